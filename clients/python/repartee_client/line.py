"""Opens the WebSocket connections of one session."""

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Origin

from repartee_client.access import HttpApiClient
from repartee_client.errors import AccessRefusedError, ConnectionLostError, InvalidUrlError
from repartee_client.http_requests import check_url, is_loopback

# API Gateway sends messages of up to 128 KB.
_MAX_INCOMING_BYTES = 128 * 1_024
_OPEN_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 2.0
_MAX_REASON_CHARACTERS = 200

# At the level DEBUG the library logs the request line, which contains the ticket.
_LOGGER = logging.getLogger("repartee_client.websocket")
_LOGGER.setLevel(logging.INFO)


async def open_line(url: str, origin: str | None = None) -> ClientConnection:
    """Open a WebSocket connection.

    Args:
        url: The URL of a ticket.
        origin: The Origin header.

    Raises:
        AccessRefusedError: The server refused the handshake.
        ConnectionLostError: The server cannot be reached.
        InvalidUrlError: The URL is invalid or not encrypted.
    """
    check_url(url, encrypted="wss", plain="ws")
    try:
        # WebSocket pings are off: the protocol's own pings are rarer and cheaper.
        return await connect(
            url,
            compression=None,
            ping_interval=None,
            max_size=_MAX_INCOMING_BYTES,
            open_timeout=_OPEN_TIMEOUT_S,
            close_timeout=_CLOSE_TIMEOUT_S,
            proxy=None if is_loopback(urlsplit(url).hostname) else True,
            origin=None if origin is None else Origin(origin),
            logger=_LOGGER,
        )
    except InvalidStatus as error:
        body = error.response.body or b""
        reason = body.decode(errors="replace")[:_MAX_REASON_CHARACTERS]
        raise AccessRefusedError("connection", error.response.status_code, reason) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise ConnectionLostError(f"cannot reach {url.partition('?')[0]}: {error}") from error
    except (InvalidURI, UnicodeError):
        # The library's error contains the ticket.
        raise InvalidUrlError(f"invalid URL {url.partition('?')[0]!a}") from None


@dataclass(slots=True)
class SessionLines:
    """Opens the connections of one session, one after the other.

    Attributes:
        api: Issues a ticket for each connection.
        conversation_id: The conversation of a new session; ``"new"`` or None for the latest.
        session_id: The session; None until the first ticket.
        origin: The Origin header.
        features: Features of the server beyond protocol version 1.
    """

    api: HttpApiClient
    conversation_id: str | None = None
    session_id: str | None = None
    origin: str | None = None
    features: frozenset[str] = frozenset()

    async def open(self) -> ClientConnection:
        """Get a ticket and open a connection with it.

        Raises:
            AccessRefusedError: The ticket or the connection was refused.
            ConnectionLostError: The server cannot be reached.
            InvalidUrlError: The address of the API or of the session cannot be used.
        """
        if self.session_id is None:
            ticket = await self.api.start_session(conversation_id=self.conversation_id)
        else:
            ticket = await self.api.start_session(session_id=self.session_id)
        connection = await open_line(ticket.url, self.origin)
        self.session_id, self.conversation_id = ticket.session_id, ticket.conversation_id
        self.features = ticket.features
        return connection
