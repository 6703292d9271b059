"""Holds a call over WebSocket connections; the asyncio shell around ``ClientSession``."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol, TypeAlias, TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from repartee.domain.protocol.answers import Answer, Ready, ReconnectSoon, Rejected
from repartee.domain.protocol.frames import Frame
from repartee_client.errors import (
    ConnectionLostError,
    MessageRefusedError,
    NoAnswerError,
    SessionOverError,
    SupersededError,
    VoiceClientError,
)
from repartee_client.protocol.session import ClientSession
from repartee_client.turn_collector import TurnCollector

CLOSED_WITHIN_S = 5.0
"""How long to wait for ``closed`` after a message was refused because the session has ended.

Longer than a post of the server with its retries.
"""

END_TIMEOUT_S = 30.0
"""How long closing a session takes when a new worker must wait for its predecessor's lease."""

_T = TypeVar("_T")
EventListener: TypeAlias = Callable[[float, Frame | Answer], None]
Reconnect: TypeAlias = Callable[[], Awaitable[ClientConnection]]


class ConnectionObserver(Protocol):
    """Receives every frame and connection event; times are those of ``now_ms``."""

    def opened(self, at_ms: float) -> None:
        """Observe a new connection."""

    def sent(self, at_ms: float, text: str) -> None:
        """Observe a frame that is sent."""

    def received(self, at_ms: float, text: str, taken: Sequence[Frame | Answer]) -> None:
        """Observe a received frame; ``taken`` are the events that are in order now."""

    def lost(self, at_ms: float) -> None:
        """Observe a connection that ended before the session."""


def now_ms() -> float:
    """Return the time of the call's monotonic clock."""
    return time.monotonic() * 1_000


class VoiceCall:
    """An open call.

    Attributes:
        session: The protocol state machine.
        replies: The received turns.
        opened_at_ms: When the call was created, by ``now_ms``.
    """

    def __init__(
        self,
        connection: ClientConnection,
        listener: EventListener | None,
        *,
        observer: ConnectionObserver | None = None,
        reconnect: Reconnect | None = None,
        features: Collection[str] = (),
        closed_within_s: float = CLOSED_WITHIN_S,
    ) -> None:
        self.session = ClientSession(features)
        self.replies = TurnCollector()
        self.opened_at_ms = now_ms()
        self._connection = connection
        self._listener = listener
        self._observer = observer
        self._reconnect = reconnect
        self._closed_within_s = closed_within_s
        self._next: ClientConnection | None = None
        self._failure: BaseException | None = None
        self._changed = asyncio.Event()
        self._has_work = asyncio.Event()
        self._must_change_connection = asyncio.Event()

    async def until(self, condition: Callable[[], _T | None], *, timeout_s: float, what: str) -> _T:
        """Wait until ``condition`` returns a truthy value, and return that value.

        Raises:
            NoAnswerError: ``timeout_s`` passed; the message names ``what``.
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
        """Wait for the server's ``ready``."""
        return await self.until(lambda: self.session.ready, timeout_s=timeout_s, what="ready")

    def flush(self) -> None:
        """Send the messages that were added to ``session``."""
        self._has_work.set()

    async def hang_up(self, timeout_s: float = END_TIMEOUT_S) -> None:
        """Send ``bye`` and wait until the session is closed."""
        self.session.bye()
        self.flush()
        await self.until(lambda: self.session.closed, timeout_s=timeout_s, what="closed")

    async def _read(self) -> None:
        ended: MessageRefusedError | None = None
        try:
            async with asyncio.timeout(None) as timeout:
                async for text in self._connection:
                    refused = self._receive(str(text))
                    if refused is None:
                        continue
                    if refused.rejected.code != "session_ended":
                        raise refused
                    if ended is None:
                        # The ``closed`` frame with the reason may still arrive.
                        ended = refused
                        timeout.reschedule(
                            asyncio.get_running_loop().time() + self._closed_within_s
                        )
        except (TimeoutError, ConnectionClosed):
            if ended is None:
                raise
        if ended is not None and self.session.closed is None:
            raise ended

    def _receive(self, text: str) -> MessageRefusedError | None:
        """Process one text frame; return the error if the frame is a refusal that ends the call."""
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
                # The session resends the message under another number.
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
        """Serve one connection after the other until the session ends.

        ``until`` raises the error that ends the call.
        """
        while self._failure is None:
            failure = await self._serve()
            if self._next is not None:
                # The ``hello`` of the new connection requests the frames that the old one missed.
                old, self._connection, self._next = self._connection, self._next, None
                await old.close()
                continue
            if isinstance(failure, VoiceClientError) or self.session.closed is not None:
                self._failure = failure
                break
            if self._observer is not None:
                self._observer.lost(now_ms())
            if self._reconnect is None:
                self._failure = self._connection_lost(failure)
                break
            self._changed.set()
            try:
                self._connection = await self._reconnect()
            except VoiceClientError as error:
                self._failure = error
        self._changed.set()

    async def _prepare_next_connection(self) -> None:
        """Open the next connection after ``reconnect_soon``, while the current one still serves."""
        while True:
            self._must_change_connection.clear()
            await self._must_change_connection.wait()
            if self._reconnect is not None:
                with contextlib.suppress(VoiceClientError):
                    self._next = await self._reconnect()
                    return

    async def close(self) -> None:
        """Close the current connection."""
        await self._connection.close()

    async def _serve(self) -> BaseException | None:
        if self._observer is not None:
            self._observer.opened(now_ms())
        self.session.connected(now_ms())
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        tasks = {reading, writing, asyncio.create_task(self._prepare_next_connection())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if writing in done and isinstance(writing.exception(), ConnectionClosed):
                # Frames that arrived before the end, such as ``closed``, are still unread.
                done, _ = await asyncio.wait({reading})
            return next(filter(None, (task.exception() for task in done)), None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _connection_lost(self, failure: BaseException | None) -> ConnectionLostError:
        if failure is not None and not isinstance(failure, ConnectionClosed):
            return ConnectionLostError(f"{type(failure).__name__}: {failure}")
        code, reason = self._connection.close_code, self._connection.close_reason
        return ConnectionLostError(f"the server ended the connection: {code} {reason}".rstrip())
