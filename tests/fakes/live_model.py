import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from repartee.domain.errors import LiveSetupFailed
from repartee.domain.live.model import LiveClosed, LiveConfig, LiveEvent, LiveFailure, ToolResponse


@dataclass(frozen=True, slots=True)
class SentAudio:
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SentActivity:
    is_start: bool


@dataclass(frozen=True, slots=True)
class SentAudioStreamEnd:
    pass


@dataclass(frozen=True, slots=True)
class SentText:
    text: str


@dataclass(frozen=True, slots=True)
class SentToolResponses:
    responses: tuple[ToolResponse, ...]


type Sent = SentAudio | SentActivity | SentAudioStreamEnd | SentText | SentToolResponses


class FakeLiveSession:
    """A session in which the test plays the model: it reads ``sent`` and calls ``emit``.

    Attributes:
        sent: The input to the model while the session was open, in order.
        received: The same input, as a queue.
    """

    def __init__(self, config: LiveConfig) -> None:
        self.config = config
        self.sent: list[Sent] = []
        self.received: asyncio.Queue[Sent] = asyncio.Queue()
        self.closed = False
        self._events: asyncio.Queue[LiveEvent] = asyncio.Queue()

    def emit(self, *events: LiveEvent) -> None:
        """Emit ``events`` from the model; after a ``LiveClosed`` nothing more is emitted."""
        for event in events:
            if self.closed:
                return
            self.closed = isinstance(event, LiveClosed)
            self._events.put_nowait(event)

    def _record(self, sent: Sent) -> None:
        if not self.closed:
            self.sent.append(sent)
            self.received.put_nowait(sent)

    async def send_audio(self, pcm: bytes) -> None:
        self._record(SentAudio(pcm))

    async def start_activity(self) -> None:
        self._record(SentActivity(is_start=True))

    async def end_activity(self) -> None:
        self._record(SentActivity(is_start=False))

    async def end_audio_stream(self) -> None:
        self._record(SentAudioStreamEnd())

    async def send_text(self, text: str) -> None:
        self._record(SentText(text))

    async def respond_to_tools(self, responses: Sequence[ToolResponse]) -> None:
        self._record(SentToolResponses(tuple(responses)))

    async def events(self) -> AsyncIterator[LiveEvent]:
        while True:
            event = await self._events.get()
            yield event
            if isinstance(event, LiveClosed):
                return

    async def close(self) -> None:
        self.emit(LiveClosed(LiveFailure.DROPPED, 1000, "closed by us"))


class FakeLiveModel:
    """Opens scripted sessions.

    Attributes:
        sessions: Every opened session, in order.
        refusals: Failures for the next openings, in order; later openings succeed.
        may_open: Clear it to hold openings back until it is set.
    """

    def __init__(self) -> None:
        self.sessions: list[FakeLiveSession] = []
        self.refusals: deque[LiveSetupFailed] = deque()
        self.may_open = asyncio.Event()
        self.may_open.set()
        self.opened: asyncio.Queue[FakeLiveSession] = asyncio.Queue()

    async def open(self, config: LiveConfig) -> FakeLiveSession:
        await self.may_open.wait()
        if self.refusals:
            raise self.refusals.popleft()
        session = FakeLiveSession(config)
        self.sessions.append(session)
        self.opened.put_nowait(session)
        return session
