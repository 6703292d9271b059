"""What a session's brain works on, one after the other, and the calls that it waits for."""

from dataclasses import dataclass

from local.gemini.live.protocol import FunctionResponse
from local.gemini.mind.known import ToolCall
from local.gemini.speech.ears import Hearing


@dataclass(frozen=True, slots=True)
class SpokenInput:
    """An utterance that ended; ``audio_s`` is all audio since the last one, silence included."""

    hearing: Hearing
    voiced_ms: int
    audio_s: float
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class TypedInput:
    """Text from the user; "" asks for a reply to what is already in the context."""

    text: str
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class PendingToolCall:
    """A call without an answer yet.

    Attributes:
        id: The simulator's own name for it.
        has_id: The call was sent with this id; otherwise the function's name is all that it has.
    """

    id: str
    call: ToolCall
    blocking: bool
    reply: int
    utterance: int
    since_s: float
    has_id: bool = True

    @property
    def wire_id(self) -> str:
        """The id that the client knows, "" for none."""
        return self.id if self.has_id else ""


@dataclass(frozen=True, slots=True)
class ToolCallAnswer:
    """A function's answer to a pending call."""

    pending: PendingToolCall
    response: FunctionResponse

    @property
    def is_spoken(self) -> bool:
        """Whether the answer starts a turn; a blocking call ignores the scheduling hint."""
        return self.response.scheduling != "SILENT" or self.pending.blocking


type Job = SpokenInput | TypedInput | ToolCallAnswer
