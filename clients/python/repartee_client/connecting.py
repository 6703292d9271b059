"""Opens calls: over one connection, or with reconnects."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.errors import AccessRefusedError, ConnectionLostError
from repartee_client.voice_call import (
    CLOSED_WITHIN_S,
    ConnectionObserver,
    EventListener,
    VoiceCall,
)

# API Gateway sends messages of up to 128 KB.
_MAX_INCOMING_BYTES = 128 * 1_024
_CONNECT_TIMEOUT_S = 30.0

# A broken network connection often returns at once. The sum is shorter than the time for which the
# server keeps the session of an absent client.
_RECONNECT_DELAYS_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429


async def _connect(url: str, origin: str | None = None) -> ClientConnection:
    try:
        # WebSocket pings are off: the protocol's own pings are rarer and cheaper.
        return await connect(
            url,
            compression=None,
            ping_interval=None,
            max_size=_MAX_INCOMING_BYTES,
            open_timeout=_CONNECT_TIMEOUT_S,
            proxy=None,
            origin=origin,  # type: ignore[arg-type]  # a NewType of str
        )
    except InvalidStatus as error:
        body = error.response.body.decode(errors="replace")[:200] if error.response.body else ""
        raise AccessRefusedError("connection", error.response.status_code, body) from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise ConnectionLostError(f"cannot reach {url.partition('?')[0]}: {error}") from error


@contextlib.asynccontextmanager
async def _run_in_background(call: VoiceCall) -> AsyncIterator[VoiceCall]:
    serving = asyncio.create_task(call.run())
    try:
        yield call
    finally:
        # ``run`` must not reconnect while the call ends.
        if call.session.closed is None:
            serving.cancel()
        await call.close()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


@contextlib.asynccontextmanager
async def open_voice_call(
    url: str,
    *,
    listener: EventListener | None = None,
    origin: str | None = None,
    features: Collection[str] = (),
    closed_within_s: float = CLOSED_WITHIN_S,
) -> AsyncIterator[VoiceCall]:
    """Open a call over one connection, and close the connection at the end of the block.

    Args:
        url: The URL of a ``SessionTicket``.
        listener: Called with the time and the event whenever an event arrives.
        origin: The Origin header.
        features: The features of the ``SessionTicket``.
        closed_within_s: How long to wait for ``closed`` when the session has already ended.

    Raises:
        AccessRefusedError: The connection was refused.
        ConnectionLostError: The server cannot be reached.
    """
    connection = await _connect(url, origin)
    call = VoiceCall(connection, listener, features=features, closed_within_s=closed_within_s)
    async with _run_in_background(call):
        yield call


@contextlib.asynccontextmanager
async def open_reconnecting_voice_call(
    api: HttpApiClient,
    ticket: SessionTicket,
    *,
    listener: EventListener | None = None,
    observer: ConnectionObserver | None = None,
) -> AsyncIterator[VoiceCall]:
    """Open a call as ``open_voice_call`` does, and reconnect whenever the connection breaks.

    Each reconnect uses a new ticket for the same session. Then both sides resend the messages that
    the other side has not received.

    Raises:
        AccessRefusedError: The first connection was refused.
        ConnectionLostError: The server cannot be reached.
    """

    async def reconnect() -> ClientConnection:
        for delay_s in _RECONNECT_DELAYS_S[:-1]:
            await asyncio.sleep(delay_s)
            try:
                return await connect_again()
            except AccessRefusedError as error:
                if error.status < _SERVER_ERROR and error.status != _TOO_MANY_REQUESTS:
                    raise
            except ConnectionLostError:
                continue
        await asyncio.sleep(_RECONNECT_DELAYS_S[-1])
        return await connect_again()

    async def connect_again() -> ClientConnection:
        new_ticket = await api.start_session(
            conversation_id=ticket.conversation_id, session_id=ticket.session_id
        )
        return await _connect(new_ticket.url)

    connection = await _connect(ticket.url)
    call = VoiceCall(
        connection, listener, observer=observer, reconnect=reconnect, features=ticket.features
    )
    async with _run_in_background(call):
        yield call
