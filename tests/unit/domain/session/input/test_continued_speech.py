"""Speech that continues while a reply ends, or after it."""

import pytest

from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import heard, started

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("chunks", [0, 1])
def test_speech_that_continues_while_a_reply_ends_is_the_next_turn(chunks):
    call = started()
    call.utter()
    call.live(heard("when?"))
    first_seq = call.next_seq
    call.send(SpeechStart(), *[Audio(SPEECH)] * chunks)
    call.reply("At nine.")
    call.ack()
    assert call.machine.cursor == first_seq - 1, "a later worker hears it again"
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(heard("on tuesday"))
    call.reply("Yes.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("when?", "At nine."),
        ("on tuesday", "Yes."),
    ]


def test_speech_that_continues_after_the_reply_to_its_start_is_the_next_turn():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("when"))
    call.reply("At nine.")
    call.ack()
    call.send(Audio(SPEECH), SpeechEnd())
    assert call.machine.cursor == call.next_seq - 3
    call.live(heard("on tuesday"))
    call.reply("Yes.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("when", "At nine."),
        ("on tuesday", "Yes."),
    ]
