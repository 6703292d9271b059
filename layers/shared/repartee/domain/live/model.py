"""The messages to and from a live speech model, independent of any SDK."""

from dataclasses import dataclass
from enum import StrEnum

from repartee.domain.cost.usage import TokenUsage


class Role(StrEnum):
    """The speaker of a history entry."""

    USER = "user"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One text in the history that seeds a new Live session."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ToolParameter:
    """A parameter of a declared tool: a string, or a boolean where ``is_boolean`` is set."""

    name: str
    description: str
    required: bool = True
    is_boolean: bool = False


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool that the model may call.

    Attributes:
        blocking: The model waits silently for the answer and accepts no audio meanwhile.
    """

    name: str
    description: str
    parameters: tuple[ToolParameter, ...]
    blocking: bool = False


class TurnDetection(StrEnum):
    """The side that detects where the user's speech starts and ends."""

    SERVER = "server"  # the model's own detector
    CLIENT = "client"  # the client's marks, which are passed to the model


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """How to open a Live session.

    Attributes:
        turn_detection: Fixed for the lifetime of the Live session.
        history: Seeds the new session.
    """

    model: str
    voice: str
    language: str
    system_instruction: str
    tools: tuple[ToolDeclaration, ...]
    history: tuple[HistoryEntry, ...] = ()
    turn_detection: TurnDetection = TurnDetection.SERVER


class ResponseScheduling(StrEnum):
    """When the model speaks a tool's answer."""

    WHEN_IDLE = "WHEN_IDLE"
    SILENT = "SILENT"


@dataclass(frozen=True, slots=True)
class ToolResponse:
    """The answer to one call; every call id gets exactly one.

    Attributes:
        status: ``done``, ``refused`` or ``failed``.
        is_held: Whether the user wants silence, so that the model speaks the answer later.
    """

    call_id: str
    name: str
    status: str
    answer: str
    retryable: bool
    scheduling: ResponseScheduling = ResponseScheduling.WHEN_IDLE
    is_held: bool = False


class TurnStatus(StrEnum):
    """The model's statement on whether more follows a completed turn."""

    IDLE = "IDLE"
    IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class LiveOpened:
    """The Live session is set up and accepts input."""


@dataclass(frozen=True, slots=True)
class LiveAudio:
    """A chunk of the model's voice: PCM16 little-endian mono, 24 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class LiveText:
    """A part of the reply that is text instead of audio; never a thought."""

    text: str


@dataclass(frozen=True, slots=True)
class LiveTranscript:
    """A piece of either side's transcript; it continues the piece before."""

    role: Role
    text: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class LiveInterrupted:
    """The user spoke over the reply; audio that was not played is discarded."""


@dataclass(frozen=True, slots=True)
class LiveGenerationComplete:
    """The model has generated its whole reply, which may still be playing."""


@dataclass(frozen=True, slots=True)
class LiveTurnComplete:
    """The model's turn is over; with IN_PROGRESS it continues when a tool call is answered."""

    status: TurnStatus | None = None


@dataclass(frozen=True, slots=True)
class LiveToolCall:
    """The model calls a tool.

    Attributes:
        arguments_json: Arguments as canonical JSON text: sorted keys, no spaces.
    """

    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class LiveToolCallsCancelled:
    """The model has cancelled these tool calls and does not speak their answers."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveGoAway:
    """The model's server closes the connection in ``time_left_ms``."""

    time_left_ms: int


@dataclass(frozen=True, slots=True)
class LiveUsage:
    """Tokens billed since the last such event."""

    usage: TokenUsage


@dataclass(frozen=True, slots=True)
class LiveUnknown:
    """A message that this version cannot read; it has no effect.

    Attributes:
        keys: The message's top-level keys.
    """

    keys: tuple[str, ...]


class LiveFailure(StrEnum):
    """Why a Live session ended or could not be opened."""

    DROPPED = "dropped"  # 1001, 1006 or 1011 during a session: open another one
    REFUSED = "refused"  # 1007 or 1008 at set-up: final, a retry cannot help
    BUSY = "busy"  # 1011 or 429 at set-up: the quota is used up, a later retry may work


@dataclass(frozen=True, slots=True)
class LiveClosed:
    """The connection to the model is closed, or was never opened.

    Attributes:
        code: WebSocket close code, 1006 for an aborted connection.
    """

    failure: LiveFailure
    code: int
    reason: str


type LiveEvent = (
    LiveOpened
    | LiveAudio
    | LiveText
    | LiveTranscript
    | LiveInterrupted
    | LiveGenerationComplete
    | LiveTurnComplete
    | LiveToolCall
    | LiveToolCallsCancelled
    | LiveGoAway
    | LiveUsage
    | LiveUnknown
    | LiveClosed
)
