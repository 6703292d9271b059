"""The message function's answers to a client, which carry no number."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import NumberedFrame
from repartee.domain.protocol.messages import MAX_IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Ready:
    """The answer to ``hello``: the user may speak before a worker has started.

    Attributes:
        chunk_ms: The recommended length of the audio in one message.
        grace_s: How long a client may take to reconnect to this session.
        max_in_flight: How many numbered messages may be sent and not accepted.
        next_seq: The number for the client's next message; None when it is not known.
        output_kept: Whether output that the client lacks is buffered and will be sent again.
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
    """A message was refused: nothing was stored, and the connection stays open.

    Attributes:
        field: The field at fault, empty for the message as a whole.
        seq: The number of the refused message, None when it has none.
        next_seq: The number for the client's next message, where ``seq`` cannot be used.
    """

    code: str
    message: str
    retryable: bool
    field: str = ""
    seq: int | None = None
    next_seq: int | None = None


@dataclass(frozen=True, slots=True)
class AcceptedBefore:
    """The answer to a message whose number was accepted long ago.

    Attributes:
        through: Every number up to here is accepted; the client continues above it.
    """

    through: int


@dataclass(frozen=True, slots=True)
class Busy:
    """No worker has answered yet; all messages are stored, except ``seq`` if it is given.

    Attributes:
        seq: The message that was not stored: send it again after the wait.
    """

    retry_after_ms: int
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to ``ping``.

    Attributes:
        served: Whether a worker holds the session's lease.
    """

    served: bool


@dataclass(frozen=True, slots=True)
class ReconnectSoon:
    """The connection will be closed soon; open another one with a new ticket.

    Attributes:
        within_s: The time until API Gateway closes the connection.
    """

    within_s: int


type Answer = Ready | Rejected | AcceptedBefore | Busy | Pong | ReconnectSoon
type ServerMessage = NumberedFrame | Answer
