"""The messages to and from a live speech model, independent of any SDK."""

from dataclasses import dataclass
from enum import StrEnum

from repartee.domain.cost.usage import TokenUsage


class Role(StrEnum):
    """Who speaks in a history."""

    USER = "user"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One text in the history that seeds a new live session."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class ToolParameter:
    """A parameter of a declared tool: text, or a truth value where ``is_boolean``."""

    name: str
    description: str
    required: bool = True
    is_boolean: bool = False


@dataclass(frozen=True, slots=True)
class ToolDeclaration:
    """A tool that the model may call.

    Attributes:
        blocking: The model waits silently for the answer and may not be sent audio meanwhile.
    """

    name: str
    description: str
    parameters: tuple[ToolParameter, ...]
    blocking: bool = False


class TurnDetection(StrEnum):
    """Which side finds where the user's speech begins and ends."""

    SERVER = "server"  # the model's own detector
    CLIENT = "client"  # the client's marks, passed on to the model


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """How to open a live session.

    Attributes:
        turn_detection: Fixed for the life of the live session.
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
    """

    call_id: str
    name: str
    status: str
    answer: str
    retryable: bool
    scheduling: ResponseScheduling = ResponseScheduling.WHEN_IDLE


class TurnStatus(StrEnum):
    """The model's own word on whether more follows a completed turn."""

    IDLE = "IDLE"
    IN_PROGRESS = "IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class LiveOpened:
    """The session is set up; input may be sent."""


@dataclass(frozen=True, slots=True)
class LiveAudio:
    """A stretch of the model's voice: PCM16 little-endian mono, 24 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class LiveText:
    """A part of the reply that is text instead of sound; never a thought."""

    text: str


@dataclass(frozen=True, slots=True)
class LiveTranscript:
    """Text of what was said, by either side; a piece that continues the one before."""

    role: Role
    text: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class LiveInterrupted:
    """The user spoke over the reply; what was not played is void."""


@dataclass(frozen=True, slots=True)
class LiveGenerationComplete:
    """The model has produced all of its reply; it may still be playing."""


@dataclass(frozen=True, slots=True)
class LiveTurnComplete:
    """The model's turn is over; with IN_PROGRESS it goes on when a call is answered."""

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
    """The model no longer wants these answers; they are not spoken."""

    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveGoAway:
    """The model's server will close the connection in ``time_left_ms``."""

    time_left_ms: int


@dataclass(frozen=True, slots=True)
class LiveUsage:
    """Tokens billed since the last such event."""

    usage: TokenUsage


@dataclass(frozen=True, slots=True)
class LiveUnknown:
    """A message that this version cannot read; it has no effect.

    Attributes:
        keys: Its top-level keys.
    """

    keys: tuple[str, ...]


class LiveFailure(StrEnum):
    """Why a live session could not be opened or ended."""

    DROPPED = "dropped"  # 1001, 1006, 1011 in mid-session: open another one
    REFUSED = "refused"  # 1007, 1008 at set-up: final, trying again cannot help
    BUSY = "busy"  # 1011 or 429 at set-up: the quota is used up, later may work


@dataclass(frozen=True, slots=True)
class LiveClosed:
    """The connection to the model is closed, or was never opened.

    Attributes:
        code: WebSocket close code, 1006 for an aborted line.
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
