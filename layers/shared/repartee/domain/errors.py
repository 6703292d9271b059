"""Every failure that crosses a port, as a type; each edge maps them once."""


class ReparteeError(Exception):
    """The root of all failures that this package raises on purpose."""


class BadInput(ReparteeError):
    """What a client sent cannot be used; it is told why and nothing is stored.

    Attributes:
        code: Stable machine-readable name, such as ``audio_too_long``.
        field: The field at fault, or ``""`` when the message as a whole is.
        retryable: Whether sending the same again later can succeed.
        next_seq: The number that the client's next message has, where another cannot be used.
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
    """A connection may not be opened; the client sees ``status``, the log sees ``reason``.

    Attributes:
        status: HTTP status of the refused handshake, 4xx.
        reason: One of ``ticket_spent``, ``too_many_sessions``, ``session_ended``,
            ``session_of_another_user``, ``superseded``, ``user_erased``, ``conversation_erased``.
    """

    def __init__(self, status: int, reason: str):
        super().__init__(f"connection refused: {reason}")
        self.status = status
        self.reason = reason


class LeaseLost(ReparteeError):
    """Another worker holds this session now; nothing more may be written or sent."""


class ConversationTaken(ReparteeError):
    """A newer session speaks in this conversation; this one has to end."""


class UserErased(ReparteeError):
    """The user's data was erased; nothing may be written for them."""


class ConversationErased(UserErased):
    """This conversation of the user's was erased; nothing may be written in it."""


class ConversationUnknown(ReparteeError):
    """The user has no conversation with this id."""


class ErasureUnderWay(ReparteeError):
    """Another process goes on with this erasure; ask again to hear how far it is."""


class StoreUnavailable(ReparteeError):
    """A table throttled or failed beyond the retries; the same call may succeed later."""


class ItemTooLarge(ReparteeError):
    """What was to be kept is too large for one item; nothing was written.

    Attributes:
        field: The attribute that takes the most room: the one to shorten.
        size_bytes: Of the whole item.
        limit_bytes: What an item may have.
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
    """A call is claimed by another run, or erased: this run may not change anything any more."""


class ConnectionGone(ReparteeError):
    """The client's connection is closed; posts to it cannot succeed any more."""


class ClientTooSlow(ReparteeError):
    """The client's buffer is full or the post rate is exceeded (HTTP 429); try again later."""


class CoreAgentFailed(ReparteeError):
    """core_agent could not be reached, timed out or failed.

    Attributes:
        retryable: Whether asking again may succeed.
        has_ended: The run that was asked for has begun and is known to be over, in whatever state
            it left its work.
    """

    def __init__(self, message: str, *, retryable: bool, has_ended: bool = False):
        super().__init__(message)
        self.retryable = retryable
        self.has_ended = has_ended


class LiveSetupFailed(ReparteeError):
    """A live session could not be opened.

    Attributes:
        retryable: False when trying again cannot help (bad key, unknown model, bad config).
        code: WebSocket close code or HTTP status, 0 when the server was not reached.
    """

    def __init__(self, reason: str, *, code: int, retryable: bool):
        super().__init__(f"live session refused: {reason}")
        self.reason = reason
        self.code = code
        self.retryable = retryable
