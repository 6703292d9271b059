"""Carries a session over one WebSocket connection after the other."""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http import HTTPStatus
from typing import Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from repartee_client.errors import (
    AccessRefusedError,
    ConnectionLostError,
    MessageRefusedError,
    SupersededError,
)
from repartee_client.events import Refused
from repartee_client.protocol.frames import Answer, Frame, ReconnectSoon
from repartee_client.protocol.session import ClientSession

CLOSED_WITHIN_S = 5.0
"""How long to wait for ``closed`` after the server refused a message because the session is over.

Longer than a post of the server with its retries.
"""
SILENT_AFTER_S = 15.0
"""How long a line may be silent after a message before it counts as lost.

The server answers every message except ``ack``. If a worker does not accept a message soon, a ping
follows, which the message function answers.
"""
_SEND_TIMEOUT_S = 15.0
_LAST_SEND_TIMEOUT_S = 1.0
_OPEN_TIMEOUT_S = 20.0
_FIRST_DELAY_S = 0.2
_LONGEST_DELAY_S = 10.0
_FIRST_ATTEMPTS = 5
"""How often the first connection is tried while the server fails; together 3 s."""
_MAX_FORBIDDEN = 2
"""The first ticket may have expired before its use; the second refusal is final."""


_ACK = '{"type":"ack"'


class SessionIsOver(Exception):
    """The session is no longer open, and the server gives no reason.

    Attributes:
        reason: The reason to report.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CallObserver(Protocol):
    """Receives every frame and connection, for diagnosis; times are those of ``now_ms``."""

    def opened(self, at_ms: float) -> None:
        """Observe a new connection."""

    def sent(self, at_ms: float, text: str) -> None:
        """Observe a frame that is sent."""

    def received(self, at_ms: float, text: str, taken: Sequence[Frame | Answer]) -> None:
        """Observe a received frame; ``taken`` are the messages that are in order now."""

    def lost(self, at_ms: float) -> None:
        """Observe a connection that ended before the session."""


class TransportUser(Protocol):
    """The call, as its transport reports to it."""

    def take(self, messages: Sequence[Frame | Answer]) -> None:
        """Take the messages that are in order now."""

    def line_lost(self, reason: str) -> None:
        """Take the report that the line was lost; the transport opens another one."""


def now_ms() -> float:
    """Return the time of the call's monotonic clock."""
    return time.monotonic() * 1_000


class Transport:
    """Carries the frames between a session and its server until the session is over.

    Args:
        open_line: Opens a connection to the session.
        session: The protocol state machine.
        user: Receives the messages.
        observer: Receives every frame.
        reconnect_for_s: How long to try to reconnect after the line is lost; 0 for never.
        closed_within_s: How long to wait for ``closed`` when the session is over.
    """

    def __init__(
        self,
        open_line: Callable[[], Awaitable[ClientConnection]],
        session: ClientSession,
        user: TransportUser,
        *,
        observer: CallObserver | None = None,
        reconnect_for_s: float = 0.0,
        closed_within_s: float = CLOSED_WITHIN_S,
    ) -> None:
        self._open_line = open_line
        self._session = session
        self._user = user
        self._observer = observer
        self._reconnect_for_s = reconnect_for_s
        self._closed_within_s = closed_within_s
        self._line: ClientConnection | None = None
        self._next: ClientConnection | None = None
        self._give_up_at_s = 0.0
        self._delays: Iterator[float] | None = None
        self._unanswered_since_s: float | None = None
        self._has_work = asyncio.Event()
        self._must_change_connection = asyncio.Event()

    def flush(self) -> None:
        """Send the messages that were added to the session."""
        self._has_work.set()

    async def open(self) -> None:
        """Open the first connection.

        Raises:
            VoiceClientError: The server refused it or cannot be reached.
        """
        attempts = _FIRST_ATTEMPTS if self._reconnect_for_s else 1
        for attempt, delay_s in enumerate(_delays_s(), start=1):
            try:
                self._line = await self._open_line()
                return
            except AccessRefusedError as error:
                if error.status < HTTPStatus.INTERNAL_SERVER_ERROR or attempt >= attempts:
                    raise
                await asyncio.sleep(delay_s)

    async def close(self) -> None:
        """Send frames that are due, such as the last acknowledgement, and close the connection."""
        lines = [line for line in (self._line, self._next) if line is not None]
        try:
            if self._line is not None:
                with contextlib.suppress(ConnectionClosed, TimeoutError):
                    async with asyncio.timeout(_LAST_SEND_TIMEOUT_S):
                        await self._send_due(self._line)
            for line in lines:
                await line.close()
        finally:
            # Even a cancellation closes the connections.
            for line in lines:
                line.transport.abort()

    async def run(self) -> None:
        """Serve one connection after the other until ``closed`` arrives.

        Raises:
            SessionIsOver: The session is over without ``closed``.
            VoiceClientError: The call cannot go on.
        """
        if self._line is None:
            await self.open()
        while (line := self._line) is not None:
            failure = await self._serve(line)
            if self._session.closed is not None:
                return
            if self._next is not None:
                # The ``hello`` of the new connection requests the frames that the old one missed.
                self._line, self._next = self._next, None
                await line.close()
                continue
            if failure is not None and not isinstance(failure, ConnectionClosed | TimeoutError):
                raise failure
            if self._observer is not None:
                self._observer.lost(now_ms())
            reason = _loss(line, failure)
            if not self._reconnect_for_s:
                raise ConnectionLostError(reason)
            # A silent line would not answer a close frame.
            line.transport.abort()
            self._line = await self._come_back(reason)

    # One connection.

    async def _serve(self, line: ClientConnection) -> BaseException | None:
        if self._observer is not None:
            self._observer.opened(now_ms())
        self._session.connected(now_ms())
        self._unanswered_since_s = None
        reading = asyncio.create_task(self._read(line))
        writing = asyncio.create_task(self._write(line))
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

    async def _read(self, line: ClientConnection) -> None:
        is_ended = False
        try:
            async with asyncio.timeout(None) as timeout:
                async for text in line:
                    if self._receive(str(text)) and not is_ended:
                        # The ``closed`` frame with the reason may still arrive.
                        is_ended = True
                        timeout.reschedule(
                            asyncio.get_running_loop().time() + self._closed_within_s
                        )
        except (TimeoutError, ConnectionClosed):
            if not is_ended:
                raise
        if is_ended and self._session.closed is None:
            raise SessionIsOver("session_ended")

    def _receive(self, text: str) -> bool:
        """Process one text frame; return whether it says that the session has ended."""
        at_ms = now_ms()
        self._unanswered_since_s = None
        messages = self._session.receive(text, at_ms)
        if self._observer is not None:
            self._observer.received(at_ms, text, messages)
        if self._session.ready is not None:
            self._delays = None
        # The answer to ``closed`` is sent before the call ends.
        self._has_work.set()
        self._user.take(messages)
        for message in messages:
            match message:
                case ReconnectSoon():
                    self._must_change_connection.set()
                case Refused(code="superseded_connection"):
                    raise SupersededError(message)
                case Refused(code="session_ended"):
                    return self._session.closed is None
                case Refused() if message is self._session.refusal:
                    raise MessageRefusedError(message)
                case _:
                    pass
        return False

    async def _write(self, line: ClientConnection) -> None:
        while True:
            self._has_work.clear()
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                await self._send_due(line)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s()):
                    await self._has_work.wait()
            if self._silent_in_s() <= 0:
                raise TimeoutError

    def _wait_s(self) -> float | None:
        deadline_ms = self._session.next_deadline_ms()
        until_due_s = math.inf if deadline_ms is None else (deadline_ms - now_ms()) / 1_000
        wait_s = max(0.0, min(until_due_s, self._silent_in_s()))
        return None if wait_s == math.inf else wait_s

    def _silent_in_s(self) -> float:
        if self._unanswered_since_s is None:
            return math.inf
        return self._unanswered_since_s + SILENT_AFTER_S - now_ms() / 1_000

    async def _send_due(self, line: ClientConnection) -> None:
        for text in self._session.outgoing(now_ms()):
            if self._observer is not None:
                self._observer.sent(now_ms(), text)
            await line.send(text)
            if self._unanswered_since_s is None and not text.startswith(_ACK):
                self._unanswered_since_s = now_ms() / 1_000

    async def _prepare_next_connection(self) -> None:
        """Open the next connection after ``reconnect_soon``, while the current one still serves."""
        while True:
            self._must_change_connection.clear()
            await self._must_change_connection.wait()
            if self._reconnect_for_s:
                # No error may end the call, because the current line still works.
                with contextlib.suppress(Exception):
                    self._next = await self._open_line()
                    return

    # The next connection.

    async def _come_back(self, reason: str) -> ClientConnection:
        loop = asyncio.get_running_loop()
        if self._delays is None:
            self._user.line_lost(reason)
            self._delays = _delays_s()
            self._give_up_at_s = loop.time() + self._reconnect_for_s
        forbidden = 0
        cause: Exception | None = None
        for delay_s in self._delays:
            if loop.time() >= self._give_up_at_s:
                raise ConnectionLostError(
                    f"the connection was lost ({reason}) and did not come back within "
                    f"{self._reconnect_for_s:g} s: return with the session's id when the network "
                    "is back"
                ) from cause
            await asyncio.sleep(delay_s)
            try:
                async with asyncio.timeout(_OPEN_TIMEOUT_S):
                    return await self._open_line()
            except AccessRefusedError as error:
                forbidden += error.status == HTTPStatus.FORBIDDEN
                check_worth_repeating(error, is_last=forbidden >= _MAX_FORBIDDEN)
                cause = error
                await asyncio.sleep(min(error.retry_after_s or 0, _LONGEST_DELAY_S))
            except Exception as error:  # noqa: BLE001 - a token function may need the network too
                cause = error
        raise AssertionError("the delays do not end")


def _loss(line: ClientConnection, failure: BaseException | None) -> str:
    if isinstance(failure, TimeoutError):
        return "the server is silent"
    return f"the connection ended: {line.close_code} {line.close_reason or ''}".rstrip()


def check_worth_repeating(error: AccessRefusedError, *, is_last: bool) -> None:
    """Raise unless the same request may succeed later.

    Raises:
        SessionIsOver: The session ended while the line was lost.
        AccessRefusedError: The user no longer has access.
    """
    if error.code == "user_erased":
        raise SessionIsOver("erased")
    if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
        raise SessionIsOver("session_ended")
    is_temporary = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or error.status in (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.REQUEST_TIMEOUT,
    )
    if not is_temporary and (is_last or error.status != HTTPStatus.FORBIDDEN):
        raise error


def _delays_s() -> Iterator[float]:
    """Yield the pauses before attempts: short first, then growing, each at random.

    Random pauses spread the reconnects of clients that lost their lines together.
    """
    longest_s = _FIRST_DELAY_S
    while True:
        yield random.uniform(0.5, 1.0) * longest_s  # noqa: S311 - no secret
        longest_s = min(2 * longest_s, _LONGEST_DELAY_S)
