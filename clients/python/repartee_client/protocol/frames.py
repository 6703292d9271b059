"""The server's messages: the events of a call, and the frames that the library handles itself."""

from dataclasses import dataclass
from typing import TypeAlias

from repartee_client.events import (
    Closed,
    Interrupted,
    LimitReached,
    NoSpeech,
    Problem,
    Ready,
    Refused,
    ReplyAudio,
    ReplyLost,
    SpeechHeard,
    ToolUsed,
    Transcript,
    TurnEnded,
    TurnRestarted,
)


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
class AcceptedBefore:
    """The answer to a message whose number was accepted long ago."""

    through: int


@dataclass(frozen=True, slots=True)
class Busy:
    """No worker has answered yet; all messages are stored, except ``seq`` if it is given."""

    retry_after_ms: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to ``ping``."""

    served: bool


@dataclass(frozen=True, slots=True)
class ReconnectSoon:
    """The connection will be closed soon; open another one with a new ticket."""

    within_s: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """API Gateway could not deliver one of the client's messages, and does not name it."""

    reason: str


Frame: TypeAlias = (
    Accepted
    | Missing
    | ReplyAudio
    | Transcript
    | Interrupted
    | ToolUsed
    | TurnRestarted
    | ReplyLost
    | TurnEnded
    | NoSpeech
    | SpeechHeard
    | LimitReached
    | Closed
    | Problem
)
"""A frame from a worker, which numbers it."""

Answer: TypeAlias = Ready | Refused | AcceptedBefore | Busy | Pong | ReconnectSoon
"""An answer of the message function, without a number."""


@dataclass(frozen=True, slots=True)
class NumberedFrame:
    """A frame with its number in a worker's output; numbers start at 1 in each epoch.

    Attributes:
        frame: None for a frame of an unknown type, which counts as received.
    """

    epoch: int
    seq: int
    frame: Frame | None
