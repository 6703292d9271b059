"""Gets a token from the issuer, and session tickets from the HTTP API."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from repartee_client.errors import AccessRefusedError, UnreachableError, VoiceClientError

_TIMEOUT = aiohttp.ClientTimeout(total=30)


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
    ticket: str
    url: str
    features: frozenset[str] = frozenset()


async def get_token(issuer_url: str, user: str) -> str:
    """Get an access token for ``user`` from the local stack's issuer, which needs no password.

    Raises:
        AccessRefusedError: The issuer refused.
        UnreachableError: The issuer does not answer.
    """
    answer = await _request("token", "POST", f"{issuer_url}/token", data={"user": user})
    return str(answer["access_token"])


@dataclass(frozen=True, slots=True)
class HttpApiClient:
    """The HTTP API on behalf of one user.

    Attributes:
        url: The address of the API.
        token: The user's bearer token.
    """

    url: str
    token: str

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
        answer = await self._call("ticket", "POST", "/sessions", json=body)
        return SessionTicket(
            answer["session_id"],
            answer["conversation_id"],
            answer["ticket"],
            answer["url"],
            frozenset(answer.get("features", ())),
        )

    async def change_preferences(self, **preferences: str) -> None:
        """Change the user's preferences.

        Raises:
            AccessRefusedError: The API refused the change.
            UnreachableError: The API does not answer.
        """
        await self._call("preferences", "PUT", "/me/preferences", json=preferences)

    async def turns(self, conversation_id: str) -> list[dict[str, Any]]:
        """Return the first turns of a conversation, oldest first."""
        path = f"/conversations/{conversation_id}/turns"
        answer = await self._call("conversation", "GET", path)
        return list(answer["turns"])

    async def _call(self, target: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.token}"}
        return await _request(target, method, self.url + path, headers=headers, **options)


async def _request(target: str, method: str, url: str, **options: Any) -> dict[str, Any]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as client,
            client.request(method, url, **options) as response,
        ):
            if not response.ok:
                raise AccessRefusedError(target, response.status, (await response.text())[:200])
            answer: dict[str, Any] = await response.json()
            return answer
    except aiohttp.InvalidURL as error:
        raise VoiceClientError(f"invalid URL {url}: it must begin with https://") from error
    except (aiohttp.ClientConnectionError, TimeoutError) as error:
        raise UnreachableError(f"cannot reach {url}: {error}") from error
