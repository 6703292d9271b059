"""The HTTP API on behalf of one user: session tickets and the user's data."""

import inspect
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

from repartee_client.errors import AccessRefusedError, UnusableTokenError
from repartee_client.http_requests import expected_form, in_thread, request_json

Token: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A bearer token, or a synchronous or asynchronous function that returns the current one.

The function is called for each request, and again when the server refuses the token. A synchronous
function runs in a thread, so it may block. Its errors end ``connect``. During a reconnect, an error
only delays the next attempt.
"""

_UNAUTHORIZED = 401
_VISIBLE = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True)
class SessionTicket:
    """Permission to open one connection to a session.

    Attributes:
        ticket: The ticket, which is valid for one connection and one minute.
        url: The WebSocket URL, with the ticket.
        features: Features of the server beyond protocol version 1.
    """

    session_id: str
    conversation_id: str
    ticket: str = field(repr=False)
    url: str = field(repr=False)
    features: frozenset[str] = frozenset()


async def get_token(issuer_url: str, user: str) -> str:
    """Get an access token for ``user`` from the local stack's issuer, which needs no password.

    Raises:
        AccessRefusedError: The issuer refused.
        UnreachableError: The issuer does not answer.
    """
    answer = await request_json("token", "POST", f"{issuer_url}/token", form={"user": user})
    with expected_form("token"):
        return str(answer["access_token"])


@dataclass(frozen=True, slots=True)
class HttpApiClient:
    """The HTTP API on behalf of one user.

    Attributes:
        url: The address of the API.
        token: The user's bearer token, or a function that returns it.
    """

    url: str
    token: Token = field(repr=False)

    async def start_session(
        self, *, conversation_id: str | None = None, session_id: str | None = None
    ) -> SessionTicket:
        """Get a ticket for a new or an existing session.

        Args:
            conversation_id: None continues the user's latest conversation, ``"new"`` starts one.
            session_id: Return to this session instead of starting one.

        Raises:
            AccessRefusedError: The API refused the ticket.
            UnreachableError: The API does not answer.
        """
        parameters = {"conversation_id": conversation_id, "session_id": session_id}
        body = {name: value for name, value in parameters.items() if value is not None}
        answer = await self.request("ticket", "POST", "/sessions", body)
        with expected_form("ticket"):
            return SessionTicket(
                str(answer["session_id"]),
                str(answer["conversation_id"]),
                str(answer["ticket"]),
                str(answer["url"]),
                frozenset(answer.get("features", ())),
            )

    async def change_preferences(self, **preferences: str) -> None:
        """Change the user's preferences.

        Raises:
            AccessRefusedError: The API refused the change.
            UnreachableError: The API does not answer.
        """
        await self.request("preferences", "PUT", "/me/preferences", preferences)

    async def turns(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return the first turns of a conversation, oldest first."""
        path = f"/conversations/{quote(conversation_id, safe='')}/turns"
        answer = await self.request("conversation", "GET", path)
        with expected_form("conversation"):
            return list(answer["turns"])

    async def request(self, target: str, method: str, path: str, body: Any = None) -> Any:
        """Send one request with the user's token and return the JSON of the answer.

        Args:
            target: The requested thing, such as ``usage``, for errors.
            method: The HTTP method.
            path: The path with its query.
            body: A value to send as JSON.

        Raises:
            AccessRefusedError: The API refused the request.
            UnreachableError: The API does not answer.
            InvalidUrlError: The address is invalid or not encrypted.
            UnusableTokenError: A header cannot hold the token.
        """
        url = self.url.rstrip("/") + path

        async def send() -> Any:
            headers = {"Authorization": f"Bearer {await self._current_token()}"}
            return await request_json(target, method, url, headers=headers, body=body)

        try:
            return await send()
        except AccessRefusedError as error:
            if isinstance(self.token, str) or error.status != _UNAUTHORIZED:
                raise
            # The token expired between its check and its use.
            return await send()

    async def _current_token(self) -> str:
        token = self.token
        if callable(token):
            is_async = inspect.iscoroutinefunction(token) or inspect.iscoroutinefunction(
                getattr(token, "__call__", None)  # noqa: B004 - an object with an asynchronous call
            )
            found = token() if is_async else await in_thread(token)
            token = await found if inspect.isawaitable(found) else found
        if not isinstance(token, str) or not _VISIBLE.fullmatch(token):
            # The error of the HTTP library would contain the token.
            raise UnusableTokenError(
                "the token must be a str of visible ASCII characters: "
                "check it for a space or a line break at its end"
            )
        return token
