"""Sessions in which the model has called a tool."""

from repartee.domain.live.model import LiveEvent
from repartee.domain.protocol.frames import SessionError
from tests.session_harness import COMPLETE, SessionHarness, heard, speaks, started


def calling() -> SessionHarness:
    """The model has called a tool."""
    call = started()
    call.utter()
    call.call_tool("x")
    return call


def asking(words: str = "One moment.", end: LiveEvent = COMPLETE) -> SessionHarness:
    """The model has called a tool and completed its turn."""
    call = started()
    call.utter()
    call.live(heard("When?"))
    call.call_tool("x")
    call.live(*(speaks(words) if words else []), end)
    return call


def cues(call: SessionHarness) -> list[str]:
    """The texts that repeat an answer to the model."""
    return [text for text in call.texts if "not heard this answer" in text]


def errors(call: SessionHarness) -> list[SessionError]:
    return call.frames(SessionError)
