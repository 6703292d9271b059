"""One user's session on fakes and in virtual time, and the workers that serve it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NoReturn

from repartee.application.answers.service_budget import ServiceBudget
from repartee.application.serving.serve_session import SessionServer
from repartee.application.serving.session_ports import SessionPorts
from repartee.config import LIVE_PRICES
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import StoreUnavailable
from repartee.domain.live.model import (
    LiveAudio,
    LiveTranscript,
    LiveTurnComplete,
    LiveUsage,
    Role,
    ToolResponse,
    TurnStatus,
)
from repartee.domain.protocol.messages import (
    Acknowledged,
    Audio,
    Hello,
    Message,
    Numbered,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
)
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.state import ConnectionOpening, SessionState
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus
from repartee.ports.workers import WakeRequest
from tests import session_harness
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.core_agent import FakeCoreAgent
from tests.fakes.ids import FakeIdSource
from tests.fakes.live_model import FakeLiveModel, FakeLiveSession, SentToolResponses
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.metrics import FakeMetrics
from tests.fakes.notes import FakeNotes
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.profile_store import FakeProfileStore
from tests.fakes.service import FakeCallSwitch, FakeServiceSpendings
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.speech_detector import FakeSpeechDetector
from tests.fakes.summary_requests import FakeSummaryRequests
from tests.fakes.tables import FakeTables
from tests.fakes.tracer import FakeTracer
from tests.fakes.usage_store import FakeUsageStore
from tests.fakes.worker_pool import FakeWorkerPool
from tests.virtual_time import LoopClock

USER, SESSION, CONVERSATION, LINE = "user-1", "session-1", "conversation-1", "line-1"
SETTINGS = replace(session_harness.SETTINGS, prices=LIVE_PRICES)
PLENTY_MS = 900_000
CHUNK = Audio(b"\1\0" * 3200)
REPLY = b"\0\2" * 2400


def unavailable(*_args: object, **_kwargs: object) -> NoReturn:
    """Stand in for a method of a store that fails."""
    raise StoreUnavailable("down")


@dataclass
class RecordedLog:
    warned: list[str] = field(default_factory=list)
    informed: dict[str, Mapping[str, object]] = field(default_factory=dict)

    def info(self, message: str, /, *, extra: Mapping[str, object]) -> None:
        self.informed[message] = extra

    def warning(self, message: str, /, *, extra: object) -> None:
        self.warned.append(message)


class WorkerHarness:
    """One user's session in the state that ``connect`` and ``message`` leave."""

    def __init__(self) -> None:
        self.clock = LoopClock(asyncio.get_running_loop())
        tables = FakeTables(clock=self.clock)  # type: ignore[arg-type]  # the same methods
        self.tables = tables
        self.sessions = FakeSessionStore(tables)
        self.mailbox = FakeMailbox(tables)
        self.connections = FakeConnectionStore(tables)
        self.channel = FakeClientChannel()
        self.live = FakeLiveModel()
        self.core = FakeCoreAgent([CoreAnswer(ToolCallStatus.DONE, "You are booked.")])
        self.workers = FakeWorkerPool()
        self.summaries = FakeSummaryRequests()
        self.usage = FakeUsageStore(tables)
        self.tracer = FakeTracer()
        self.switch = FakeCallSwitch()
        self.spendings = FakeServiceSpendings()
        self.budget = ServiceBudget(self.spendings, self.clock, Decimal(0))
        self.metrics = FakeMetrics()
        self.log = RecordedLog()
        self.ports = SessionPorts(
            sessions=self.sessions,
            mailbox=self.mailbox,
            connections=self.connections,
            reader=FakeConversationStore(tables),
            writer=FakeConversationStore(tables),
            profiles=FakeProfileStore(tables),
            notes=FakeNotes(tables),
            channel=self.channel,
            live=self.live,
            core=self.core,
            workers=self.workers,
            summaries=self.summaries,
            usage=self.usage,
            budget=self.budget,
            switch=self.switch,
            clock=self.clock,
            ids=FakeIdSource(),
            metrics=self.metrics,
            tracer=self.tracer,
            log=self.log,
            detector=FakeSpeechDetector,
        )
        self._seq = 0
        opening = ConnectionOpening(
            LINE, USER, SESSION, CONVERSATION, "ticket-1", self.clock.now_ms() + 60_000,
            self.clock.now_ms(), 3,
        )  # fmt: skip
        FakeOpeningStore(tables).open(opening)
        self.send(Hello())

    def send(self, *messages: Message) -> None:
        for message in messages:
            self._seq += 1
            numbered = Numbered(self._seq, message, LINE, self.clock.now_ms())
            self.mailbox.append(SESSION, numbered)

    def come_back(self, line: str, received: OutputPosition) -> None:
        """Send hello from another connection, with the output that the client has received."""
        self._seq += 1
        hello = Numbered(self._seq, Hello(received), line, self.clock.now_ms())
        self.mailbox.append(SESSION, hello)

    def state(self) -> SessionState:
        state = self.sessions.load(SESSION)
        assert state is not None
        return state

    def tool_responses(self) -> list[ToolResponse]:
        sent = [one for session in self.live.sessions for one in session.sent]
        return [
            response
            for one in sent
            if isinstance(one, SentToolResponses)
            for response in one.responses
        ]

    def speak(self) -> None:
        self.send(SpeechStart(), CHUNK, CHUNK, SpeechEnd())

    def acknowledge_all(self) -> None:
        last = self.frames()[-1]
        ack = Acknowledged(OutputPosition(last["epoch"], last["seq"]), 0, 0)
        self.mailbox.notify(SESSION, ack, now_ms=self.clock.now_ms())

    def frames(self, kind: str = "") -> list[dict[str, Any]]:
        posted = [json.loads(frame) for frame in self.channel.posts[LINE]]
        return [frame for frame in posted if kind in ("", frame["type"])]

    def serve(
        self,
        *,
        hop: int = 0,
        remaining_ms: int | Callable[[], int] = PLENTY_MS,
        late_ms: int = 0,
        traceparent: str = "",
    ) -> "asyncio.Task[FinishReason | None]":
        woken_at_ms = self.clock.now_ms() - late_ms
        wake = WakeRequest(SESSION, USER, CONVERSATION, woken_at_ms, hop, traceparent)
        began_ms = self.clock.monotonic_ms()

        def left_ms() -> int:
            if callable(remaining_ms):
                return remaining_ms()
            return began_ms + remaining_ms - self.clock.monotonic_ms()

        return asyncio.create_task(
            SessionServer(self.ports, SETTINGS).serve(wake, remaining_ms=left_ms)
        )

    async def until(self, holds: Callable[[], object]) -> None:
        """Let virtual time pass, in steps of 5 ms, until ``holds``; fail after 5 minutes."""
        for _ in range(60_000):
            if holds():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the condition did not hold within 5 minutes of virtual time")

    async def answer(self, session: FakeLiveSession, heard: str, said: str) -> None:
        session.emit(
            LiveTranscript(Role.USER, heard, final=True),
            LiveAudio(REPLY),
            LiveTranscript(Role.MODEL, said),
            LiveUsage(TokenUsage(text_in=100, audio_in=50, audio_out=25)),
            LiveTurnComplete(TurnStatus.IDLE),
        )

    async def one_utterance(self) -> FakeLiveSession:
        """Speak to the next Live session, up to the end of the audio."""
        session = await self.live.opened.get()
        self.speak()
        await self.until(lambda: len(session.sent) >= 3)
        return session

    async def one_turn(self) -> FakeLiveSession:
        """Hold one whole turn, up to its commit."""
        session = await self.one_utterance()
        await self.answer(session, "hello", "Hello to you.")
        await self.until(lambda: self.frames("turn_end"))
        self.acknowledge_all()
        await self.until(lambda: self.tables.turns.get(CONVERSATION))
        return session
