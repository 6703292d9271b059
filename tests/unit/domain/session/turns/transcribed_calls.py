"""Sessions with utterances whose transcripts come late or twice."""

from repartee.domain.protocol.frames import Transcript
from tests.session_harness import SessionHarness, started

ROBERT = "hello my name is robert"
SEE = "i'd like to see the doctor"


def shown(call: SessionHarness, turn: int) -> str:
    pieces = [one for one in call.frames(Transcript) if (one.turn, one.role) == (turn, "user")]
    return "".join(one.text for one in pieces)


def answered() -> SessionHarness:
    """A call whose first utterance is answered and in memory, and not transcribed."""
    call = started()
    call.utter()
    call.reply("Good morning.")
    call.ack()
    return call
