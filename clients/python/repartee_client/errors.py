"""What can go wrong for a voice client, as types."""

from repartee.domain.protocol.wire import Rejected


class VoiceClientError(Exception):
    """A call could not be held."""


class BadServerMessageError(VoiceClientError):
    """The server sent what is no message of the protocol."""


class AccessRefusedError(VoiceClientError):
    """A token, a ticket or a connection was refused.

    Attributes:
        door: What refused: ``token``, ``ticket`` or ``connection``.
        status: The HTTP status.
    """

    def __init__(self, door: str, status: int, reason: str) -> None:
        super().__init__(f"{door} refused with HTTP {status}: {reason}")
        self.refused_item = door
        self.status = status


class MessageRefusedError(VoiceClientError):
    """The server could not use one of our messages.

    Attributes:
        rejected: The server's words.
    """

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(f"{rejected.code}: {rejected.message}")
        self.rejected = rejected


class SupersededError(MessageRefusedError):
    """A newer connection has the session: this client must not come back by itself."""


class ConnectionLostError(VoiceClientError):
    """The connection ended before the session said ``closed``."""


class UnreachableError(ConnectionLostError):
    """Nothing answers at an address."""


class SessionOverError(VoiceClientError):
    """The session was closed while something was still waited for.

    Attributes:
        reason: Why the server closed it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the session was closed: {reason}")
        self.reason = reason


class NoAnswerError(VoiceClientError):
    """What was waited for did not come in time; the message says what was."""
