"""Errors of the client."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from repartee_client.events import Refused


class VoiceClientError(Exception):
    """Base class of the client's errors."""


class BadServerMessageError(VoiceClientError):
    """The server sent a text that is not a message of the protocol."""


class InvalidUrlError(VoiceClientError, ValueError):
    """An address that is not a valid URL or not encrypted; the message says which."""


class UnusableTokenError(VoiceClientError, ValueError):
    """A token that a header cannot hold; the message does not contain it."""


class AccessRefusedError(VoiceClientError):
    """The server refused an HTTP request or a WebSocket handshake.

    Attributes:
        target: The refused request, such as ``token``, ``ticket`` or ``connection``.
        status: The HTTP status.
        code: The server's code (docs/protocol.md, "HTTP API"); empty if it gave none.
        retry_after_s: When to ask again; None if the server did not say.
        problem: The members of the server's problem document.
    """

    def __init__(
        self,
        target: str,
        status: int,
        reason: str,
        *,
        code: str = "",
        retry_after_s: int | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        advice = ": give a valid token" if status == HTTPStatus.UNAUTHORIZED else ""
        cause = f"{code}: {reason}" if code else reason
        super().__init__(f"{target} refused with HTTP {status}: {cause}{advice}")
        self.target = target
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.problem = problem or {}


class DailyLimitReachedError(AccessRefusedError):
    """A daily limit of the user or of the service is used up.

    Attributes:
        kind: ``talk_seconds`` or ``cost``.
        limit: The limit per day, in s of talk or in USD.
        resets_at: When the counters start again, as the server writes it (ISO 8601).
    """

    @property
    def kind(self) -> str:
        return str(self.problem.get("kind", ""))

    @property
    def limit(self) -> float:
        return float(self.problem.get("limit", 0))

    @property
    def resets_at(self) -> str:
        return str(self.problem.get("resets_at", ""))


class MessageRefusedError(VoiceClientError):
    """The server rejected one of the client's messages.

    Attributes:
        refused: The server's reply.
    """

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.code}: {refused.message}")
        self.refused = refused


class SupersededError(MessageRefusedError):
    """A newer connection took over the session; the client must not reconnect automatically."""


class ConnectionLostError(VoiceClientError):
    """The connection ended before the session was closed."""


class UnreachableError(ConnectionLostError):
    """The server does not answer."""


class SessionOverError(VoiceClientError):
    """The session is over, so nothing can be sent and no awaited event comes.

    Attributes:
        reason: The reason of ``Closed``, or this client's own.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the session was closed: {reason}")
        self.reason = reason


class NoAnswerError(VoiceClientError):
    """The awaited event did not arrive in time; the message names it."""
