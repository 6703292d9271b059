"""A call: the methods and events for the application."""

import asyncio
import contextlib
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar, get_args

from websockets.asyncio.client import ClientConnection

from repartee_client.audio.port import AudioPort, SpeechMark
from repartee_client.errors import NoAnswerError, SessionOverError, VoiceClientError
from repartee_client.event_queue import EventQueue
from repartee_client.events import (
    Closed,
    Event,
    Ready,
    Reconnected,
    Reconnecting,
    Refused,
)
from repartee_client.protocol.frames import Answer, Frame
from repartee_client.protocol.session import ClientSession
from repartee_client.transport import (
    CLOSED_WITHIN_S,
    CallObserver,
    SessionIsOver,
    Transport,
    now_ms,
)

MAX_TEXT_CHARACTERS = 4_000
END_TIMEOUT_S = 30.0
"""How long closing a session takes when a new worker must wait for its predecessor's lease."""
_READY_TIMEOUT_S = 30.0
_HURRIED_HANG_UP_S = 1.0
_PLAYED_TIMEOUT_S = 30.0
_SAMPLE_BYTES = 2
_INPUT_BYTES_PER_MS = 32

_EVENTS = get_args(Event)
_HANDLED = ("seq_taken", "session_ended", "superseded_connection", "hello_first")

_T = TypeVar("_T")


class Call:
    """An open call, which ``connect`` creates.

    Iterate over it for its events. One task at a time may iterate; a later loop goes on where the
    one before stopped. Iteration ends after ``Closed``; it raises the error of a failed call.

    Up to 2,000 events wait for the application. Then the oldest ones are dropped, and
    ``EventsDropped`` reports the loss.

    Attributes:
        session: The protocol state machine.
    """

    def __init__(
        self,
        open_line: Callable[[], Awaitable[ClientConnection]],
        session: ClientSession,
        *,
        audio: AudioPort | None = None,
        observer: CallObserver | None = None,
        reconnect_for_s: float = 0.0,
        closed_within_s: float = CLOSED_WITHIN_S,
    ) -> None:
        self.session = session
        self._audio = audio
        self._transport = Transport(
            open_line,
            session,
            self,
            observer=observer,
            reconnect_for_s=reconnect_for_s,
            closed_within_s=closed_within_s,
        )
        self._ready: Ready | None = None
        self._queue = EventQueue()
        self._is_reconnecting = False
        self._closed: Closed | None = None
        self._has_left = False
        self._recording: asyncio.Task[None] | None = None
        self._unsent = bytearray()
        self._unsent_timer: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> Ready:
        """The server's ``Ready``, with the ids of the session and the conversation."""
        if self._ready is None:
            raise RuntimeError("the call is not open: use it inside `async with connect(...)`")
        return self._ready

    @property
    def is_waiting_for_answer(self) -> bool:
        """Whether the user's latest utterance or text is not answered completely."""
        return self.session.is_waiting_for_answer

    # Input.

    def say(self, text: str) -> None:
        """Send typed text; it is a separate turn, and interrupts a running reply.

        Raises:
            ValueError: The text is blank, longer than 4,000 characters, or not valid Unicode.
            VoiceClientError: The call is over.
        """
        if not text.strip() or len(text) > MAX_TEXT_CHARACTERS:
            raise ValueError(
                f"the text has {len(text):,} characters: send 1 to {MAX_TEXT_CHARACTERS:,}, "
                "one of them visible"
            )
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError("the text contains a lone surrogate, which UTF-8 cannot carry")
        self._begin()
        self.session.text(text, now_ms())
        self.flush()

    def send_audio(self, pcm: "bytes | bytearray | memoryview | array[int]") -> None:
        """Send audio of any length: PCM16 little-endian mono, 16 kHz.

        It is sent in chunks of the length that the server recommends. While the line is lost it
        stays in memory, 32 kB for each second.

        Raises:
            ValueError: ``pcm`` ends within a sample.
            VoiceClientError: The call is over.
        """
        # A buffer of another element type has fewer elements than bytes.
        pcm = memoryview(pcm).tobytes()
        if len(pcm) % _SAMPLE_BYTES:
            raise ValueError(f"{len(pcm)} bytes are not whole 16-bit samples")
        self._check_open()
        self._stop_timer()
        self._unsent += pcm
        size_bytes = self.ready.chunk_ms * _INPUT_BYTES_PER_MS
        while len(self._unsent) >= size_bytes:
            self.session.audio(bytes(self._unsent[:size_bytes]))
            del self._unsent[:size_bytes]
        if self._unsent:
            # Send the rest even if no more audio of this utterance follows.
            self._unsent_timer = asyncio.get_running_loop().call_later(
                2 * self.ready.chunk_ms / 1_000, self._send_rest
            )
        self.flush()

    def speech_start(self) -> None:
        """Report that the user begins to speak; call it before the first audio of the speech.

        Raises:
            VoiceClientError: The call is over.
        """
        self._begin()
        self.session.speech_start()
        self.flush()

    def speech_end(self) -> None:
        """Report that the user has finished; call it after the last audio of the speech.

        Raises:
            VoiceClientError: The call is over.
        """
        self._begin()
        self.session.speech_end(now_ms())
        self.flush()

    def stop(self) -> None:
        """Stop the reply without speech.

        The conversation remembers the part that was played. Running tools go on, and their outcome
        comes with the next reply. With a server of version 0.1.0, only the playing stops.

        Raises:
            VoiceClientError: The call is over.
        """
        self._begin()
        self.session.stop(now_ms())
        self.flush()

    async def hang_up(self, timeout_s: float = END_TIMEOUT_S) -> None:
        """End the session and wait until the server confirms it.

        Input that is not answered yet is answered first, for up to 25 s. The conversation is kept.

        Raises:
            NoAnswerError: The server did not confirm it in time.
            VoiceClientError: The call failed.
        """
        if self._closed is None:
            self._begin()
            if not self.session.is_leaving:
                self.session.bye()
            self.flush()
            await self.until(lambda: self._closed, timeout_s=timeout_s, what="closed")

    def leave(self) -> None:
        """Let the block end without ending the session; unsent input is dropped.

        ``connect(session=call.ready.session_id)`` returns to it.
        """
        self._has_left = True

    def flush(self) -> None:
        """Send the messages that were added to ``session``."""
        self._transport.flush()

    def _begin(self) -> None:
        self._check_open()
        self._send_rest()

    def _check_open(self) -> None:
        if self._queue.failure is not None:
            raise self._queue.failure
        if self._closed is not None:
            raise SessionOverError(self._closed.reason)
        if self._queue.is_over:
            raise SessionOverError("this client has left it")

    def _send_rest(self) -> None:
        self._stop_timer()
        if self._unsent:
            self.session.audio(bytes(self._unsent))
            self._unsent.clear()
            self.flush()

    def _stop_timer(self) -> None:
        if self._unsent_timer is not None:
            self._unsent_timer.cancel()
            self._unsent_timer = None

    # Events.

    def __aiter__(self) -> "Call":
        """Return the call itself: a later loop goes on where the one before stopped."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event.

        Raises:
            StopAsyncIteration: The call is over.
            RuntimeError: Another task is iterating.
            VoiceClientError: The call failed.
        """
        return await self._queue.get()

    async def until(self, condition: Callable[[], _T | None], *, timeout_s: float, what: str) -> _T:
        """Wait until ``condition`` returns a truthy value, and return that value.

        The condition is checked whenever a message arrives. Meanwhile events wait for the
        application.

        Raises:
            NoAnswerError: It returned none in ``timeout_s``; the message names ``what``.
            VoiceClientError: The call failed.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    if found := condition():
                        return found
                    self._check_open()
                    await self._queue.changed()
        except TimeoutError:
            raise NoAnswerError(f"no {what} within {timeout_s:g} s") from None

    def take(self, messages: Sequence[Frame | Answer]) -> None:
        """Take messages from the transport."""
        for message in messages:
            if not isinstance(message, _EVENTS):
                continue
            event: Event = message
            match event:
                case Ready() if self._ready is None:
                    self._ready = event
                case Ready():
                    if not self._is_reconnecting:
                        continue
                    self._is_reconnecting, event = False, Reconnected()
                case Closed():
                    self._closed = event
                case Refused(code=code) if event.retryable or code in _HANDLED:
                    continue
                case _:
                    pass
            self._queue.put(event)
            if self._closed is not None:
                # The server may keep the line, and the client still acknowledges ``closed``.
                self._queue.end()
        self._queue.wake()

    def line_lost(self, reason: str) -> None:
        """Take the news of a lost line from the transport."""
        self._is_reconnecting = True
        self._queue.put(Reconnecting(reason))

    # The life of the call.

    @contextlib.asynccontextmanager
    async def held(self, hang_up_within_s: float) -> AsyncIterator["Call"]:
        """Open the call, and hang up at the end of the block."""
        async with self.served():
            try:
                await self.until_ready()
                if self._audio is not None:
                    self._recording = asyncio.create_task(self._record(self._audio))
                yield self
                await self._finish(hang_up_within_s)
                await self._play_goodbye()
            except (Exception, asyncio.CancelledError):
                await self._finish(min(hang_up_within_s, _HURRIED_HANG_UP_S))
                raise

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator["Call"]:
        """Open the first connection and serve the call; close the connection at the block's end."""
        await self._transport.open()
        serving = asyncio.create_task(self._serve())
        try:
            yield self
        finally:
            self._stop_timer()
            self._queue.end()
            tasks = [task for task in (serving, self._recording) if task is not None]
            for task in tasks:
                task.cancel()
            try:
                await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                # Even a second cancellation closes the connection.
                await self._transport.close()

    async def until_ready(self, timeout_s: float = _READY_TIMEOUT_S) -> Ready:
        """Wait for the server's first ``ready``.

        Raises:
            NoAnswerError: It did not come in time.
            VoiceClientError: The call failed.
        """
        return await self.until(lambda: self._ready, timeout_s=timeout_s, what="ready")

    async def _serve(self) -> None:
        try:
            await self._transport.run()
        except SessionIsOver as over:
            self._closed = Closed(over.reason)
            self._queue.put(self._closed)
        except Exception as error:  # noqa: BLE001 - it is raised in the task that iterates
            if not isinstance(error, VoiceClientError):
                # The application's audio port failed; the line still works.
                self.session.bye()
            self._queue.end(error)
        self._queue.end()

    async def _record(self, audio: AudioPort) -> None:
        try:
            async with contextlib.aclosing(audio.record()) as recorded:
                async for part in recorded:
                    match part:
                        case SpeechMark.START:
                            self.speech_start()
                        case SpeechMark.END:
                            self.speech_end()
                        case bytes():
                            self.send_audio(part)
        except Exception as error:  # noqa: BLE001 - it is raised in the task that iterates
            # Sending fails after the end of the call; the port did not fail then.
            if self._closed is None and self._queue.failure is None:
                self.session.bye()
                self.flush()
                self._queue.end(error)

    async def _finish(self, within_s: float) -> None:
        with contextlib.suppress(VoiceClientError):
            if not self._has_left and self._ready is not None and self._queue.failure is None:
                await self.hang_up(within_s)

    async def _play_goodbye(self) -> None:
        """Let the user hear the goodbye to its end."""
        if self._audio is not None and self._closed is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PLAYED_TIMEOUT_S):
                    while (left_ms := self._audio.unplayed_ms()) > 0:  # noqa: ASYNC110 - a port has no event
                        await asyncio.sleep(left_ms / 1_000)
