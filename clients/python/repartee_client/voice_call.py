"""One call over a real WebSocket: the asyncio shell around ``ClientSession``."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from repartee.domain.protocol.frames import Frame
from repartee.domain.protocol.wire import MAX_FRAME_BYTES, Ready, ReconnectSoon, Rejected, Reply
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.errors import (
    AccessRefusedError,
    ConnectionLostError,
    MessageRefusedError,
    NoAnswerError,
    SessionOverError,
    SupersededError,
    VoiceClientError,
)
from repartee_client.session import ClientSession
from repartee_client.turn_collector import TurnCollector

# @connections takes messages of 128 KB.
_MAX_INCOMING_BYTES = 4 * MAX_FRAME_BYTES
_CONNECT_TIMEOUT_S = 30.0

# A line that broke is often back at once; one that stays away for longer than a session is kept
# for its client is not waited for.
_RECONNECT_DELAYS_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
_SERVER_TROUBLE = 500
_TOO_MANY = 429

CLOSED_WITHIN_S = 5.0
"""A message may reach a session that is over before its ``closed`` frame reaches us; above the time
that a post takes with its retries."""

END_TIMEOUT_S = 30.0
"""Where nobody serves a session, a worker that has yet to start closes it, once the lease of the
one before has run out."""

type EventListener = Callable[[float, Frame | Reply], None]
type Redial = Callable[[], Awaitable[ClientConnection]]


class Observer(Protocol):
    """Sees what really goes over the line; times are ``now_ms``'s."""

    def opened(self, at_ms: float) -> None:
        """Another connection is open."""

    def sent(self, at_ms: float, text: str) -> None:
        """A frame leaves."""

    def received(self, at_ms: float, text: str, taken: Sequence[Frame | Reply]) -> None:
        """A frame came; ``taken`` is what the client then took in, in order, often just this."""

    def lost(self, at_ms: float) -> None:
        """The connection ended before the session did."""


def now_ms() -> float:
    """The clock of a call: monotonic, in ms."""
    return time.monotonic() * 1_000


class VoiceCall:
    """An open call.

    Attributes:
        session: The protocol's state.
        replies: What was received.
        opened_at_ms: When the first connection was open, on ``now_ms``'s clock.
    """

    def __init__(
        self,
        connection: ClientConnection,
        listener: EventListener | None,
        *,
        observer: Observer | None = None,
        redial: Redial | None = None,
        features: Collection[str] = (),
        closed_within_s: float = CLOSED_WITHIN_S,
    ) -> None:
        self.session = ClientSession(features)
        self.replies = TurnCollector()
        self.opened_at_ms = now_ms()
        self._connection = connection
        self._listener = listener
        self._observer = observer
        self._redial = redial
        self._closed_within_s = closed_within_s
        self._next: ClientConnection | None = None
        self._failure: BaseException | None = None
        self._changed = asyncio.Event()
        self._has_work = asyncio.Event()
        self._must_change_connection = asyncio.Event()

    async def until[T](
        self, condition: Callable[[], T | None], *, timeout_s: float, what: str
    ) -> T:
        """Wait until ``condition`` gives something truthy, and return that.

        Raises:
            NoAnswerError: Not within ``timeout_s``; names ``what`` was waited for.
            VoiceClientError: The call failed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if found := condition():
                        return found
                    if self._failure is not None:
                        raise self._failure
                    if self.session.closed is not None:
                        raise SessionOverError(self.session.closed.reason)
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise NoAnswerError(f"no {what} within {timeout_s:g} s") from None

    async def until_ready(self, timeout_s: float = 30.0) -> Ready:
        """Wait until the user may begin to speak."""
        return await self.until(lambda: self.session.ready, timeout_s=timeout_s, what="ready")

    def push(self) -> None:
        """Let what was just put into the session leave."""
        self._has_work.set()

    async def hang_up(self, timeout_s: float = END_TIMEOUT_S) -> None:
        """Say ``bye`` and wait until the session is closed."""
        self.session.bye()
        self.push()
        await self.until(lambda: self.session.closed, timeout_s=timeout_s, what="closed")

    async def _read(self) -> None:
        over: MessageRefusedError | None = None
        try:
            async with asyncio.timeout(None) as patience:
                async for text in self._connection:
                    refused = self._take(str(text))
                    if refused is None:
                        continue
                    if refused.rejected.code != "session_ended":
                        raise refused
                    if over is None:
                        # Why it ended is told by a frame that may be on its way.
                        over = refused
                        patience.reschedule(
                            asyncio.get_running_loop().time() + self._closed_within_s
                        )
        except (TimeoutError, ConnectionClosed):
            if over is None:
                raise
        if over is not None and self.session.closed is None:
            raise over

    def _take(self, text: str) -> MessageRefusedError | None:
        """Take one text frame; return the refusal in it that ends the call."""
        at_ms = now_ms()
        events = self.session.receive(text, at_ms)
        self.replies.take(events, at_ms)
        if self._observer is not None:
            self._observer.received(at_ms, text, events)
        for event in events:
            if self._listener is not None:
                self._listener(at_ms, event)
            if isinstance(event, ReconnectSoon):
                self._must_change_connection.set()
        self._has_work.set()
        self._changed.set()
        match events:
            case [Rejected(code="seq_taken")]:
                # The session sends it again under another number.
                return None
            case [Rejected(code="superseded_connection") as refused]:
                return SupersededError(refused)
            case [Rejected(retryable=False) as refused] if self.session.closed is None:
                return MessageRefusedError(refused)
            case _:
                return None

    async def _write(self) -> None:
        while True:
            self._has_work.clear()
            for text in self.session.outgoing(now_ms()):
                if self._observer is not None:
                    self._observer.sent(now_ms(), text)
                await self._connection.send(text)
            self._changed.set()
            deadline_ms = self.session.next_deadline_ms()
            wait_s = None if deadline_ms is None else max(0.0, (deadline_ms - now_ms()) / 1_000)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._has_work.wait()

    async def run(self) -> None:
        """Serve connections until the session ends; what goes wrong is raised to whoever waits."""
        while self._failure is None:
            failure = await self._serve()
            if self._next is not None:
                # What the old connection still held is asked for again by the new one's hello.
                old, self._connection, self._next = self._connection, self._next, None
                await old.close()
                continue
            if isinstance(failure, VoiceClientError) or self.session.closed is not None:
                self._failure = failure
                break
            if self._observer is not None:
                self._observer.lost(now_ms())
            if self._redial is None:
                self._failure = self._lost(failure)
                break
            self._changed.set()
            try:
                self._connection = await self._redial()
            except VoiceClientError as error:
                self._failure = error
        self._changed.set()

    async def _move(self) -> None:
        """Open the next connection before this one's end of life, while this one still serves."""
        while True:
            self._must_change_connection.clear()
            await self._must_change_connection.wait()
            if self._redial is not None:
                with contextlib.suppress(VoiceClientError):
                    self._next = await self._redial()
                    return

    async def close(self) -> None:
        """Close the connection that is open now."""
        await self._connection.close()

    async def _serve(self) -> BaseException | None:
        if self._observer is not None:
            self._observer.opened(now_ms())
        self.session.connected(now_ms())
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        tasks = {reading, writing, asyncio.create_task(self._move())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if writing in done and isinstance(writing.exception(), ConnectionClosed):
                # What came before the end is still to be read: why it ended, for one.
                done, _ = await asyncio.wait({reading})
            return next(filter(None, (task.exception() for task in done)), None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _lost(self, failure: BaseException | None) -> ConnectionLostError:
        if failure is not None and not isinstance(failure, ConnectionClosed):
            return ConnectionLostError(f"{type(failure).__name__}: {failure}")
        code, reason = self._connection.close_code, self._connection.close_reason
        return ConnectionLostError(f"the server ended the connection: {code} {reason}".rstrip())


async def _dial(url: str, origin: str | None = None) -> ClientConnection:
    try:
        # No pings of WebSocket's own: the protocol has its own, cheaper and rarer.
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
async def _served(call: VoiceCall) -> AsyncIterator[VoiceCall]:
    serving = asyncio.create_task(call.run())
    try:
        yield call
    finally:
        # It must not come back while it is hung up.
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
    """Connect, greet, and close the connection at the end.

    Args:
        url: The WebSocket address with a ticket, as the HTTP API gives it.
        listener: Called with the time and each event as it arrives.
        origin: The Origin header that a browser would send.
        features: What the server knows beyond protocol version 1, as the ticket's answer says.
        closed_within_s: How long a session that turned out to be over may take to say why.

    Raises:
        AccessRefusedError: The connection was refused.
        ConnectionLostError: The gateway cannot be reached.
    """
    connection = await _dial(url, origin)
    call = VoiceCall(connection, listener, features=features, closed_within_s=closed_within_s)
    async with _served(call):
        yield call


@contextlib.asynccontextmanager
async def open_reconnecting_voice_call(
    api: HttpApiClient,
    ticket: SessionTicket,
    *,
    listener: EventListener | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[VoiceCall]:
    """Connect as ``open_call`` does, and come back whenever the line breaks.

    Each time a fresh ticket for the same session is asked for; the session then gets again what it
    had not accepted, and sends again what had not come.

    Raises:
        AccessRefusedError: The first connection was refused.
        ConnectionLostError: The gateway cannot be reached.
    """

    async def redial() -> ClientConnection:
        for delay_s in _RECONNECT_DELAYS_S[:-1]:
            await asyncio.sleep(delay_s)
            try:
                return await again()
            except AccessRefusedError as error:
                if error.status < _SERVER_TROUBLE and error.status != _TOO_MANY:
                    raise
            except ConnectionLostError:
                continue
        await asyncio.sleep(_RECONNECT_DELAYS_S[-1])
        return await again()

    async def again() -> ClientConnection:
        fresh = await api.start_session(
            conversation_id=ticket.conversation_id, session_id=ticket.session_id
        )
        return await _dial(fresh.url)

    connection = await _dial(ticket.url)
    call = VoiceCall(
        connection, listener, observer=observer, redial=redial, features=ticket.features
    )
    async with _served(call):
        yield call
