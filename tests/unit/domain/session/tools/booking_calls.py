"""Sessions in which the model asks core_agent for a booking."""

from repartee.domain.live.model import LiveEvent, LiveInterrupted, LiveToolCallsCancelled
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.effects import RespondToTool, SendText
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import COMPLETE, SessionHarness, speaks, started

CANCELLED = LiveToolCallsCancelled(("x",))
BOOKED = "You are booked for Friday at three."


def given(call: SessionHarness, answer: str = BOOKED) -> int:
    """Return how often the model got an answer to speak, as a tool's answer or as text."""
    responses = [one.response for one in call.all(RespondToTool)]
    spoken = sum(one.answer == answer and one.scheduling != "SILENT" for one in responses)
    return spoken + sum(answer in one.text for one in call.all(SendText))


def remembered(call: SessionHarness) -> list[tuple[int, str, str]]:
    """Return each remembered tool call: its turn, its status and its answer."""
    return [(turn.number, one.status, one.answer) for turn in call.turns for one in turn.tool_calls]


def asking(*ids: str) -> SessionHarness:
    """The model has called a tool, with a few words, and its turn stays open."""
    call = started()
    call.utter()
    for call_id in ids or ("x",):
        call.call_tool(call_id)
    call.live(*speaks("One moment."))
    return call


def spoken_over(*events: LiveEvent) -> SessionHarness:
    """The user interrupts the words that accompany the call, and is answered."""
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(*(events or (LiveInterrupted(), CANCELLED, COMPLETE)))
    call.send(SpeechEnd())
    call.live(*speaks("Yes, I am here.", COMPLETE))
    return call
