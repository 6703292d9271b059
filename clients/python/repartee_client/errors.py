"""Errors of the client."""

from repartee.domain.protocol.answers import Rejected


class VoiceClientError(Exception):
    """Base class of the client's errors."""


class BadServerMessageError(VoiceClientError):
    """The server sent a text that is not a message of the protocol."""


class AccessRefusedError(VoiceClientError):
    """The server refused an HTTP request or a WebSocket handshake.

    Attributes:
        target: The refused request, such as ``token``, ``ticket`` or ``connection``.
        status: The HTTP status.
    """

    def __init__(self, target: str, status: int, reason: str) -> None:
        super().__init__(f"{target} refused with HTTP {status}: {reason}")
        self.target = target
        self.status = status


class MessageRefusedError(VoiceClientError):
    """The server rejected one of the client's messages.

    Attributes:
        rejected: The server's reply.
    """

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(f"{rejected.code}: {rejected.message}")
        self.rejected = rejected


class SupersededError(MessageRefusedError):
    """A newer connection took over the session; the client must not reconnect automatically."""


class ConnectionLostError(VoiceClientError):
    """The connection ended before the session was closed."""


class UnreachableError(ConnectionLostError):
    """The server does not answer."""


class NoSpeechHeardError(VoiceClientError):
    """The server heard no speech in the utterance, so no answer follows."""

    def __init__(self) -> None:
        super().__init__("no speech was heard in the recording")


class SessionOverError(VoiceClientError):
    """The session was closed before the awaited event arrived.

    Attributes:
        reason: The server's reason.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the session was closed: {reason}")
        self.reason = reason


class NoAnswerError(VoiceClientError):
    """The awaited event did not arrive in time; the message names it."""
