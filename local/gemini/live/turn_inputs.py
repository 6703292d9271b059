"""The inputs of a session's turns, and the pending tool calls."""

import asyncio
from dataclasses import dataclass

from local.gemini.live.protocol import FunctionResponse
from local.gemini.mind.known import ToolCall


@dataclass(frozen=True, slots=True)
class SpokenInput:
    """A complete utterance; ``audio_s`` counts all audio since the last one, with silence."""

    words: asyncio.Task[str]
    voiced_ms: int
    audio_s: float
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class TypedInput:
    """Text from the user; "" requests a reply to the present context."""

    text: str
    deaf: bool = False


@dataclass(frozen=True, slots=True)
class PendingToolCall:
    """A tool call without an answer.

    Attributes:
        id: The simulator's id of the call.
        has_id: Whether the call was sent with this id; otherwise only its name identifies it.
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
        """The id as sent to the client, "" without one."""
        return self.id if self.has_id else ""


@dataclass(frozen=True, slots=True)
class ToolCallAnswer:
    """A function's answer to a pending call."""

    pending: PendingToolCall
    response: FunctionResponse

    @property
    def is_spoken(self) -> bool:
        """Whether the answer is spoken; a blocking call ignores the scheduling hint."""
        return self.response.scheduling != "SILENT" or self.pending.blocking


type Job = SpokenInput | TypedInput | ToolCallAnswer
