"""Exceptions for every failure that crosses a port. Each handler maps them in one place."""


class ReparteeError(Exception):
    """Base class of all exceptions that this package raises."""


class BadInput(ReparteeError):
    """A client's message is refused: the client receives the reason, and nothing is stored.

    Attributes:
        code: Stable machine-readable name, such as ``audio_too_long``.
        field: The field at fault, or ``""`` for the message as a whole.
        retryable: Whether sending the same message later can succeed.
        next_seq: The number for the client's next message, where its number was refused.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str = "",
        retryable: bool = False,
        next_seq: int | None = None,
    ):
        super().__init__(message)
        self.next_seq = next_seq
        self.code = code
        self.field = field
        self.retryable = retryable


class UnusableMessage(BadInput):
    """A client's frame holds no valid message.

    Attributes:
        kind: The name of the message's type, ``""`` when it is not known.
        seq: The message's number, None when it is not known.
    """

    def __init__(self, problem: BadInput, *, kind: str, seq: int | None):
        super().__init__(problem.code, str(problem), field=problem.field)
        self.kind = kind
        self.seq = seq


class TicketRefused(ReparteeError):
    """A ticket is forged, expired, made for another audience or malformed.

    Attributes:
        reason: One of ``malformed``, ``forged``, ``expired``, ``wrong_audience``.
    """

    def __init__(self, reason: str):
        super().__init__(f"ticket refused: {reason}")
        self.reason = reason


class CursorRefused(ReparteeError):
    """A cursor was not made for this user, or was changed."""


class ConnectionRefused(ReparteeError):
    """A connection is refused. The client receives ``status``; the log holds ``reason``.

    Attributes:
        status: HTTP status of the refused handshake.
        reason: One of ``ticket_spent``, ``too_many_sessions``, ``session_ended``,
            ``session_of_another_user``, ``superseded``, ``user_erased``, ``conversation_erased``,
            ``calls_stopped``.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(f"connection refused: {reason}")
        self.status = status
        self.reason = reason


class LeaseLost(ReparteeError):
    """Another worker holds the session's lease; this one must not write or send."""


class ConversationTaken(ReparteeError):
    """A newer session has taken over the conversation; this session must end."""


class UserErased(ReparteeError):
    """The user's data was erased; nothing may be written for them."""


class ConversationErased(UserErased):
    """The conversation was erased; nothing may be written to it."""


class ConversationUnknown(ReparteeError):
    """The user has no conversation with this id."""


class ErasureUnderWay(ReparteeError):
    """Another process is working on this erasure; repeat the request to see its progress."""


class RecordUnreadable(ReparteeError):
    """A stored record of a tool does not fit its model; the message names the fields."""


class StoreUnavailable(ReparteeError):
    """A table throttled or failed after all retries; the same call may succeed later."""


class ItemTooLarge(ReparteeError):
    """A value is too large for one item; nothing was written.

    Attributes:
        field: The largest attribute, which is the one to shorten.
        size_bytes: Size of the whole item.
        limit_bytes: Maximum size of an item.
    """

    def __init__(self, field: str, size_bytes: int, limit_bytes: int):
        super().__init__(
            f"an item of {size_bytes:,} bytes is above the limit of {limit_bytes:,}; "
            f"shorten {field}, its largest attribute"
        )
        self.field = field
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class ClaimLost(ReparteeError):
    """The tool call was claimed by another run or erased; this run must not change anything."""


class ConnectionGone(ReparteeError):
    """The client's connection is closed; no post to it can succeed."""


class ClientTooSlow(ReparteeError):
    """The client's buffer is full or the post rate is exceeded (HTTP 429); try again later."""


class CoreAgentFailed(ReparteeError):
    """core_agent could not be reached, timed out or failed.

    Attributes:
        retryable: Whether asking again may succeed.
        has_ended: The run is known to have started and ended; its work may be incomplete.
    """

    def __init__(self, message: str, *, retryable: bool, has_ended: bool = False):
        super().__init__(message)
        self.retryable = retryable
        self.has_ended = has_ended


class LiveSetupFailed(ReparteeError):
    """A Live session could not be opened.

    Attributes:
        retryable: False when a retry cannot help (bad key, unknown model, bad config).
        code: WebSocket close code or HTTP status, 0 when the server was not reached.
    """

    def __init__(self, reason: str, *, code: int, retryable: bool):
        super().__init__(f"live session refused: {reason}")
        self.reason = reason
        self.code = code
        self.retryable = retryable
