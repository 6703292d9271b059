"""The message function's answers to a client, which carry no number."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import NumberedFrame
from repartee.domain.protocol.messages import MAX_IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Ready:
    """Answers ``hello`` at once, so that the user may begin to speak before a worker is up.

    Attributes:
        chunk_ms: How much audio one message should hold.
        grace_s: For how long a dropped connection may come back to this session.
        max_in_flight: How many numbered messages the client may have out and not accepted.
        next_seq: The number that the client's next message has; None where it is not known.
        output_kept: Whether earlier output that the client lacks is held, and comes again.
    """

    session_id: str
    conversation_id: str
    chunk_ms: int
    grace_s: int
    max_in_flight: int = MAX_IN_FLIGHT
    next_seq: int | None = None
    output_kept: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message could not be used: nothing of it was stored; the connection stays open.

    Attributes:
        field: The field at fault, empty when the whole message is.
        seq: The number of the message at fault, where it had one.
        next_seq: The number that the client's next message has, where ``seq`` cannot be used.
    """

    code: str
    message: str
    retryable: bool
    field: str = ""
    seq: int | None = None
    next_seq: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedBefore:
    """Answers a number that was accepted so long ago that its message is not known any more.

    Attributes:
        through: Everything up to here is accepted; the client's next number is above it.
    """

    through: int


@dataclass(frozen=True, slots=True)
class Busy:
    """No worker has answered yet; what was sent is kept, except ``seq`` when it is given.

    Attributes:
        seq: This message was not stored: send it again after the wait.
    """

    retry_after_ms: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """Answers ``ping``.

    Attributes:
        served: Whether a worker holds the session right now.
    """

    served: bool


@dataclass(frozen=True, slots=True)
class ReconnectSoon:
    """The connection nears its end of life; open another one with a fresh ticket.

    Attributes:
        within_s: How much time is left.
    """

    within_s: int


type Answer = Ready | Rejected | AcceptedBefore | Busy | Pong | ReconnectSoon
type ServerMessage = NumberedFrame | Answer
