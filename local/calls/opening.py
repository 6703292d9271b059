"""Opens calls: over one connection, or with reconnects."""

import contextlib
from collections.abc import AsyncIterator, Collection

from websockets.asyncio.client import ClientConnection

from local.calls.voice_call import EventListener, VoiceCall
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.line import SessionLines, open_line
from repartee_client.transport import CLOSED_WITHIN_S, CallObserver

_RECONNECT_FOR_S = 15.0


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
        listener: Called with the time and the message whenever a message arrives.
        origin: The Origin header.
        features: The features of the ``SessionTicket``.
        closed_within_s: How long to wait for ``closed`` when the session has already ended.

    Raises:
        AccessRefusedError: The connection was refused.
        ConnectionLostError: The server cannot be reached.
    """

    async def first_line() -> ClientConnection:
        return await open_line(url, origin)

    call = VoiceCall(
        first_line, listener=listener, features=features, closed_within_s=closed_within_s
    )
    async with call.served():
        yield call


@contextlib.asynccontextmanager
async def open_reconnecting_voice_call(
    api: HttpApiClient,
    ticket: SessionTicket,
    *,
    listener: EventListener | None = None,
    observer: CallObserver | None = None,
) -> AsyncIterator[VoiceCall]:
    """Open a call as ``open_voice_call`` does, and reconnect whenever the connection breaks.

    Raises:
        AccessRefusedError: The first connection was refused.
        ConnectionLostError: The server cannot be reached.
    """
    lines = SessionLines(api, session_id=ticket.session_id)
    urls = [ticket.url]

    async def next_line() -> ClientConnection:
        return await open_line(urls.pop()) if urls else await lines.open()

    call = VoiceCall(
        next_line,
        listener=listener,
        observer=observer,
        features=ticket.features,
        reconnect_for_s=_RECONNECT_FOR_S,
    )
    async with call.served():
        yield call
