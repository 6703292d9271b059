"""The frames that a worker sends to a client.

The worker's frames carry ``(epoch, seq)``; the message function's ``answers`` carry no number.
"""

from dataclasses import dataclass
from typing import Literal

type CloseReason = Literal[
    "bye",
    "end_call",
    "superseded",
    "erased",
    "refused",
    "busy",
    "unavailable",
    "limit_reached",
    "stopped",
]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The worker has all messages up to ``through``; the client may discard them."""

    through: int


@dataclass(frozen=True, slots=True)
class Missing:
    """The messages ``first_seq`` to ``last_seq`` have not arrived: send them again."""

    first_seq: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class ReplyAudio:
    """A chunk of the reply: PCM16 little-endian mono, 24 kHz."""

    turn: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Transcript:
    """A piece of a transcript; the pieces of one turn and role are concatenated."""

    turn: int
    role: Literal["user", "model"]
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user interrupted or stopped this turn's reply: stop playing it at once."""

    turn: int


@dataclass(frozen=True, slots=True)
class ToolProgress:
    """A tool call started or ended."""

    turn: int
    name: str
    phase: Literal["started", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class TurnRestarted:
    """The turn is answered again: discard what was received of it and of later turns."""

    turn: int


@dataclass(frozen=True, slots=True)
class ReplyLost:
    """Output that the client asked for is no longer buffered; ``text`` is its transcript."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """The turn is over; it is stored once this frame is acknowledged.

    Attributes:
        first_audio_ms: Time from the end of the input to the first reply audio, None if either is
            missing.
        cost_usd: Cost by the deployment's price list.
    """

    turn: int
    tokens_in: int
    tokens_out: int
    cost_usd: float
    first_audio_ms: int | None
    skipped_messages: int


@dataclass(frozen=True, slots=True)
class NoSpeech:
    """The input up to ``through`` that the client marked as speech held none; no reply follows."""

    through: int


@dataclass(frozen=True, slots=True)
class SpeechHeard:
    """The worker hears the user speak; ``turn`` is the turn of that speech."""

    turn: int


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A daily limit of the user or the service is used up; the session ends after a goodbye.

    Attributes:
        limit: In s of talk, or in USD; 0 for the service.
    """

    kind: Literal["talk_seconds", "cost", "service"]
    limit: float
    resets_at_ms: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The last frame of a session; the conversation can be continued in a new one."""

    reason: CloseReason


@dataclass(frozen=True, slots=True)
class SessionError:
    """An error that the user should know of; the session continues.

    Attributes:
        refused_seq: The number of the refused message, if the error is about one.
        next_seq: The number to use next, where ``refused_seq`` cannot be used.
    """

    code: str
    message: str
    retryable: bool
    refused_seq: int | None = None
    next_seq: int | None = None


type Frame = (
    Accepted
    | Missing
    | ReplyAudio
    | Transcript
    | Interrupted
    | ToolProgress
    | TurnRestarted
    | ReplyLost
    | TurnEnd
    | NoSpeech
    | SpeechHeard
    | LimitReached
    | SessionClosed
    | SessionError
)


@dataclass(frozen=True, slots=True)
class NumberedFrame:
    """A frame with its number in a worker's output; numbers start at 1 in each epoch."""

    epoch: int
    seq: int
    frame: Frame
