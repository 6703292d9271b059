"""A worker's visit to a session, on fakes and in virtual time."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from repartee.application.serve_session import LATE_WAKE_MS, MAX_HOPS, serve_session
from repartee.application.session_ports import SessionPorts
from repartee.config import LIVE_PRICES
from repartee.domain.calls import ASK_CORE_AGENT, CallKey, CallStatus, CoreAnswer
from repartee.domain.errors import CoreAgentFailed, LiveSetupFailed, StoreUnavailable
from repartee.domain.limits import utc_day
from repartee.domain.live import (
    LiveAudio,
    LiveClosed,
    LiveFailure,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    LiveUsage,
    Role,
    ToolResponse,
    TurnStatus,
)
from repartee.domain.messages import (
    Acknowledged,
    Audio,
    Bye,
    Hello,
    Message,
    Numbered,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
)
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session_state import ConnectionOpening, PendingCall, SessionState
from repartee.domain.speech import SpeechEdge
from repartee.domain.usage import TokenUsage
from repartee.ports.worker import WakeRequest
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.core_agent import FakeCoreAgent
from tests.fakes.ids import FakeIdSource
from tests.fakes.live_model import FakeLiveModel, FakeLiveSession, SentAudio, SentToolResponses
from tests.fakes.log import CapturedLog
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.notes import FakeNotes
from tests.fakes.profile_store import FakeProfileStore
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.summary_requests import FakeSummaryRequests
from tests.fakes.tables import FakeTables
from tests.fakes.usage_store import FakeUsageStore
from tests.fakes.worker_pool import FakeWorkerPool
from tests.virtual_time import LoopClock, run_in_virtual_time

pytestmark = pytest.mark.unit

USER, SESSION, CONVERSATION, LINE = "user-1", "session-1", "conversation-1", "line-1"
SETTINGS = SessionSettings(
    live_model="gemini-3.8-live",
    voice="Kore",
    language="en-US",
    linger_ms=30_000,
    grace_ms=30_000,
    zone=ZoneInfo("Europe/London"),
    zone_name="Europe/London",
    prices=LIVE_PRICES,
)
PLENTY_MS = 900_000
CHUNK = Audio(b"\1\0" * 3200)
REPLY = b"\2\0" * 2400


class DeafDetector:
    def hear(self, pcm: bytes) -> SpeechEdge | None:
        return None

    def forget(self) -> None:
        pass


@dataclass
class RecordedMetrics:
    turns: list[dict[str, object]] = field(default_factory=list)
    takeovers: list[bool] = field(default_factory=list)
    opened: int = 0
    left_by_limit: list[bool] = field(default_factory=list)

    def turn_finished(self, **values: object) -> None:
        self.turns.append(values)

    def lease_taken(self, *, takeover: bool) -> None:
        self.takeovers.append(takeover)

    def session_left(self, *, by_limit: bool) -> None:
        self.left_by_limit.append(by_limit)

    def session_opened(self) -> None:
        self.opened += 1


class SilentLog:
    def info(self, message: str, /, *, extra: object) -> None: ...

    def warning(self, message: str, /, *, extra: object) -> None: ...


class Scene:
    """One user's session, made as ``connect`` and ``message`` would have made it."""

    def __init__(self) -> None:
        self.clock = LoopClock(asyncio.get_running_loop())
        tables = FakeTables(clock=self.clock)  # type: ignore[arg-type]  # the same methods
        self.tables = tables
        self.sessions = FakeSessionStore(tables)
        self.mailbox = FakeMailbox(tables)
        self.connections = FakeConnectionStore(tables)
        self.channel = FakeClientChannel()
        self.live = FakeLiveModel()
        self.core = FakeCoreAgent([CoreAnswer(CallStatus.DONE, "You are booked.")])
        self.workers = FakeWorkerPool()
        self.summaries = FakeSummaryRequests()
        self.usage = FakeUsageStore(tables)
        self.metrics = RecordedMetrics()
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
            clock=self.clock,
            ids=FakeIdSource(),
            metrics=self.metrics,
            log=SilentLog(),
            detector=DeafDetector,
        )
        self._seq = 0
        opening = ConnectionOpening(
            LINE, USER, SESSION, CONVERSATION, "ticket-1", self.clock.now_ms() + 60_000,
            self.clock.now_ms(), 3,
        )  # fmt: skip
        self.connections.open(opening)
        self.send(Hello())

    def send(self, *messages: Message) -> None:
        for message in messages:
            self._seq += 1
            numbered = Numbered(self._seq, message, LINE, self.clock.now_ms())
            self.mailbox.append(SESSION, numbered)

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
    ) -> "asyncio.Task[FinishReason | None]":
        wake = WakeRequest(SESSION, USER, CONVERSATION, self.clock.now_ms() - late_ms, hop)
        began_ms = self.clock.monotonic_ms()

        def left_ms() -> int:
            if callable(remaining_ms):
                return remaining_ms()
            return began_ms + remaining_ms - self.clock.monotonic_ms()

        return asyncio.create_task(
            serve_session(
                wake,
                self.ports,
                SETTINGS,
                remaining_ms=left_ms,
            )
        )

    async def until(self, holds: Callable[[], object]) -> None:
        """Let virtual time pass, in steps of 5 ms, until ``holds``; fail after 5 minutes."""
        for _ in range(60_000):
            if holds():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it did not come to pass within 5 minutes of virtual time")

    async def answer(self, session: FakeLiveSession, heard: str, said: str) -> None:
        session.emit(
            LiveTranscript(Role.USER, heard, final=True),
            LiveAudio(REPLY),
            LiveTranscript(Role.MODEL, said),
            LiveUsage(TokenUsage(text_in=100, audio_in=50, audio_out=25)),
            LiveTurnComplete(TurnStatus.IDLE),
        )

    async def one_turn(self) -> FakeLiveSession:
        """Hold one whole turn, up to its commit."""
        session = await self.live.opened.get()
        self.speak()
        await self.until(lambda: session.sent[-1:] and len(session.sent) >= 3)
        await self.answer(session, "hello", "Hello to you.")
        await self.until(lambda: self.frames("turn_end"))
        self.acknowledge_all()
        await self.until(lambda: self.tables.turns.get(CONVERSATION))
        return session


def test_a_spoken_turn_is_heard_answered_remembered_once_and_its_input_forgotten():
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.one_turn()
        audio = b"".join(sent.pcm for sent in session.sent if isinstance(sent, SentAudio))
        assert audio == CHUNK.pcm * 2
        turn = scene.tables.turns[CONVERSATION][1]
        assert (turn.heard, turn.said) == ("hello", "Hello to you.")
        assert turn.cost_usd == Decimal("0.000525")
        assert [frame["seq"] for frame in scene.frames()] == list(range(1, len(scene.frames()) + 1))
        await scene.until(lambda: not scene.tables.mailboxes[SESSION].messages)
        assert scene.metrics.turns[0]["input_tokens"] == 150
        assert (scene.metrics.takeovers, scene.metrics.opened) == ([False], 1)
        assert await serving is FinishReason.IDLE

    run_in_virtual_time(main)


def test_a_turn_that_the_client_has_not_acknowledged_is_not_remembered_before_the_grace_is_over():
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.live.opened.get()
        scene.speak()
        await scene.until(lambda: len(session.sent) >= 3)
        await scene.answer(session, "hello", "Hello.")
        await scene.until(lambda: scene.frames("turn_end"))
        over_ms = scene.clock.monotonic_ms()
        await scene.until(lambda: scene.tables.turns.get(CONVERSATION))
        assert scene.clock.monotonic_ms() - over_ms >= SETTINGS.grace_ms - 100
        await serving

    run_in_virtual_time(main)


def test_a_second_worker_leaves_at_once_and_opens_no_live_session():
    async def main():
        scene = Scene()
        first = scene.serve()
        await scene.live.opened.get()
        assert await scene.serve() is None
        assert len(scene.live.sessions) == 1
        await first

    run_in_virtual_time(main)


def test_a_wake_that_comes_late_and_finds_nothing_to_do_opens_no_live_session():
    async def main():
        scene = Scene()
        await scene.serve()
        assert await scene.serve(late_ms=LATE_WAKE_MS + 1) is None
        assert len(scene.live.sessions) == 1
        assert scene.state().epoch == 1

    run_in_virtual_time(main)


def test_a_wake_that_comes_late_still_serves_who_has_spoken():
    async def main():
        scene = Scene()
        serving = scene.serve(late_ms=LATE_WAKE_MS + 1)
        await scene.one_turn()
        assert await serving is FinishReason.IDLE

    run_in_virtual_time(main)


def test_a_wake_that_comes_late_still_fetches_an_answer_that_is_owed():
    async def main():
        scene = Scene()
        await scene.serve()
        pending = PendingCall(CallKey(1, 1), ASK_CORE_AGENT, '{"question":"when"}', "hash")
        scene.tables.states[SESSION] = replace(scene.state(), pending_calls=(pending,))
        serving = scene.serve(late_ms=LATE_WAKE_MS + 1)
        await scene.until(lambda: scene.core.requests)
        await serving

    run_in_virtual_time(main)


def test_an_idle_worker_lingers_then_gives_the_lease_back_behind_the_input_it_has_read():
    async def main():
        scene = Scene()
        serving = scene.serve()
        assert await serving is FinishReason.IDLE
        assert 30_000 <= scene.clock.monotonic_ms() < 31_000
        state = scene.state()
        assert not state.lease_is_held(scene.clock.now_ms())
        assert (state.cursor, state.ended) == (1, False)
        assert scene.live.sessions[0].closed

    run_in_virtual_time(main)


def test_input_that_comes_while_a_worker_gives_the_lease_back_is_served_all_the_same(monkeypatch):
    async def main():
        scene = Scene()
        release = scene.sessions.release_lease

        def release_as_the_user_speaks(*args, **kwargs):
            monkeypatch.setattr(scene.sessions, "release_lease", release)
            scene.speak()
            release(*args, **kwargs)

        monkeypatch.setattr(scene.sessions, "release_lease", release_as_the_user_speaks)
        serving = scene.serve()
        await scene.live.opened.get()
        second = await scene.live.opened.get()
        await scene.until(lambda: len(second.sent) >= 3)
        assert scene.state().epoch == 2
        await scene.answer(second, "hello", "Hello.")
        await serving

    run_in_virtual_time(main)


def test_a_worker_that_cannot_renew_its_lease_fences_itself_and_is_not_heard_any_more(monkeypatch):
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.live.opened.get()

        def unavailable(*_args, **_kwargs):
            raise StoreUnavailable("down")

        monkeypatch.setattr(scene.sessions, "renew_lease", unavailable)
        assert await serving is FinishReason.FENCED
        assert scene.clock.monotonic_ms() < 5_000
        heard = len(scene.frames())
        session.emit(LiveAudio(REPLY))
        await asyncio.sleep(10)
        assert len(scene.frames()) == heard

    run_in_virtual_time(main)


def test_a_worker_whose_lease_was_taken_writes_nothing():
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.live.opened.get()
        scene.speak()
        await scene.until(lambda: len(session.sent) >= 3)
        state = scene.tables.states[SESSION]
        scene.tables.states[SESSION] = replace(state, epoch=state.epoch + 1)
        session.emit(LiveUsage(TokenUsage(audio_out=1_000_000)))
        await scene.answer(session, "hello", "Hello.")
        scene.acknowledge_all()
        assert await serving is FinishReason.FENCED
        assert not scene.tables.turns.get(CONVERSATION)
        assert scene.usage.of_day(USER, utc_day(scene.clock.now_ms())).cost_usd == 0

    run_in_virtual_time(main)


def test_a_mailbox_that_fails_for_a_while_loses_nothing(monkeypatch):
    async def main():
        scene = Scene()
        read, failures = scene.mailbox.read_after, [1] * 5

        def flaky(*args, **kwargs):
            if failures:
                failures.pop()
                raise StoreUnavailable("throttled")
            return read(*args, **kwargs)

        monkeypatch.setattr(scene.mailbox, "read_after", flaky)
        serving = scene.serve()
        await scene.one_turn()
        assert await serving is FinishReason.IDLE

    run_in_virtual_time(main)


def test_core_agent_is_asked_with_the_sessions_own_ids_and_its_answer_goes_back_to_the_model():
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.live.opened.get()
        session.emit(LiveToolCall("call-1", "ask_core_agent", '{"question":"book"}'))
        await scene.until(scene.tool_responses)
        request = scene.core.requests[0]
        assert (request.user_id, request.conversation_id, request.question) == (
            USER,
            CONVERSATION,
            "book",
        )
        (response,) = scene.tool_responses()
        assert (response.call_id, response.answer) == ("call-1", "You are booked.")
        session.emit(LiveTurnComplete(TurnStatus.IDLE))
        await serving

    run_in_virtual_time(main)


def test_a_failing_core_agent_is_told_to_the_model_as_a_failure_to_be_spoken():
    async def main():
        scene = Scene()
        scene.core._script[0] = CoreAgentFailed("timed out", retryable=True)
        serving = scene.serve()
        session = await scene.live.opened.get()
        session.emit(LiveToolCall("call-1", "ask_core_agent", '{"question":"book"}'))
        await scene.until(scene.tool_responses)
        assert scene.tool_responses()[0].status == "failed"
        session.emit(LiveTurnComplete(TurnStatus.IDLE))
        await serving

    run_in_virtual_time(main)


def test_a_refused_live_session_ends_the_session_and_says_so():
    async def main():
        scene = Scene()
        scene.live.refusals.append(LiveSetupFailed("bad key", code=1007, retryable=False))
        assert await scene.serve() is FinishReason.ENDED
        assert scene.frames("closed")[0]["reason"] == "refused"
        assert scene.state().ended
        assert LINE in scene.channel.gone

    run_in_virtual_time(main)


def test_a_dropped_live_session_is_replaced_and_the_utterance_is_given_to_the_new_one():
    async def main():
        scene = Scene()
        serving = scene.serve()
        first = await scene.live.opened.get()
        scene.speak()
        await scene.until(lambda: len(first.sent) >= 3)
        first.emit(LiveClosed(LiveFailure.DROPPED, 1006, ""))
        second = await scene.live.opened.get()
        await scene.until(lambda: len(second.sent) >= 3)
        assert second.sent == first.sent
        await scene.answer(second, "hello", "Hello.")
        await serving
        assert scene.tables.turns[CONVERSATION][1].heard == "hello"

    run_in_virtual_time(main)


def test_a_fresh_live_session_that_saves_money_is_logged_with_its_estimate():
    async def main():
        scene, log = Scene(), CapturedLog()
        scene.ports = replace(scene.ports, log=log.logger)
        serving = scene.serve()
        session = await scene.live.opened.get()
        scene.speak()
        await scene.until(lambda: len(session.sent) >= 3)
        session.emit(LiveAudio(REPLY), LiveUsage(TokenUsage(audio_in=50_000)))
        session.emit(LiveTurnComplete(TurnStatus.IDLE))
        await scene.until(lambda: scene.frames("turn_end"))
        scene.acknowledge_all()
        await scene.live.opened.get()

        (line,) = [one for one in log.lines if one["message"] == "context told anew"]
        assert line["session_id"] == SESSION
        assert 0.7 < line["saves_usd"] < 0.75
        assert await serving is FinishReason.IDLE

    run_in_virtual_time(main)


def test_before_its_time_is_up_a_worker_hands_over_to_a_successor():
    async def main():
        scene = Scene()
        assert await scene.serve(hop=2, remaining_ms=100_000) is FinishReason.HAND_OVER
        assert scene.clock.monotonic_ms() < 11_000
        assert [wake.hop for wake in scene.workers.wakes] == [3]
        assert not scene.state().lease_is_held(scene.clock.now_ms())

    run_in_virtual_time(main)


def test_a_deadline_that_comes_nearer_than_it_was_told_is_noticed():
    async def main():
        scene = Scene()
        left_ms = 900_000
        serving = scene.serve(remaining_ms=lambda: left_ms)
        await asyncio.sleep(5)
        left_ms = 89_000
        assert await serving is FinishReason.HAND_OVER
        assert scene.clock.monotonic_ms() < 6_000

    run_in_virtual_time(main)


def test_a_chain_of_workers_that_grew_too_long_is_not_continued():
    async def main():
        scene = Scene()
        await scene.serve(hop=MAX_HOPS, remaining_ms=100_000)
        assert scene.workers.wakes == []

    run_in_virtual_time(main)


def test_a_slow_client_gets_every_frame_in_order_once_it_can_take_them():
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.live.opened.get()
        scene.channel.slow.add(LINE)
        scene.speak()
        await scene.until(lambda: len(session.sent) >= 3)
        await scene.answer(session, "hello", "Hello.")
        await asyncio.sleep(2)
        assert not scene.frames("turn_end")
        scene.channel.slow.clear()
        await scene.until(lambda: scene.frames("turn_end"))
        assert [frame["seq"] for frame in scene.frames()] == list(range(1, len(scene.frames()) + 1))
        scene.acknowledge_all()
        await serving

    run_in_virtual_time(main)


def test_who_hangs_up_ends_the_session_and_the_conversation_stays():
    async def main():
        scene = Scene()
        serving = scene.serve()
        await scene.one_turn()
        scene.send(Bye())
        assert await serving is FinishReason.ENDED
        assert scene.frames("closed")[0]["reason"] == "bye"
        assert not scene.connections.active_sessions(USER, now_ms=scene.clock.now_ms())
        assert 1 in scene.tables.turns[CONVERSATION]

    run_in_virtual_time(main)


def test_a_live_model_that_stays_busy_is_tried_with_growing_pauses_then_given_up():
    async def main():
        scene = Scene()
        for _ in range(10):
            scene.live.refusals.append(LiveSetupFailed("quota", code=1011, retryable=True))
        assert await scene.serve() is FinishReason.ENDED
        assert len(scene.live.refusals) == 6
        assert scene.frames("closed")[0]["reason"] == "busy"
        assert [frame["code"] for frame in scene.frames("error")] == ["model_busy"] * 3

    run_in_virtual_time(main)


@pytest.mark.parametrize("moment", ["write", "ask", "listen"])
def test_a_fault_that_nobody_foresaw_ends_the_worker_by_its_own_name(monkeypatch, moment):
    async def main():
        scene = Scene()

        def broken(*_args, **_kwargs):
            raise ZeroDivisionError("a fault of our own")

        if moment == "listen":
            monkeypatch.setattr(FakeLiveSession, "events", broken)
        monkeypatch.setattr(scene.sessions, "set_connection", broken if moment == "write" else
                            scene.sessions.set_connection)  # fmt: skip
        monkeypatch.setattr(scene.core, "ask", broken)
        serving = scene.serve()
        if moment == "ask":
            session = await scene.live.opened.get()
            session.emit(LiveToolCall("call-1", "ask_core_agent", '{"question":"book"}'))
        with pytest.raises(ZeroDivisionError):
            await serving

    run_in_virtual_time(main)


def test_a_worker_that_is_woken_before_a_dead_ones_lease_is_over_takes_it_the_moment_it_is():
    async def main():
        scene = Scene()
        scene.sessions.acquire_lease(
            SESSION,
            owner="dead",
            now_ms=scene.clock.now_ms(),
            until_ms=scene.clock.now_ms() + 5_000,
        )
        await asyncio.sleep(3.5)
        serving = scene.serve()
        await scene.live.opened.get()

        assert scene.clock.monotonic_ms() == 5_000
        assert scene.metrics.takeovers == [True]
        await serving

    run_in_virtual_time(main)


def test_a_worker_that_is_woken_while_the_lease_is_merely_late_leaves_it_to_its_holder():
    async def main():
        scene = Scene()
        now_ms = scene.clock.now_ms()
        lease = scene.sessions.acquire_lease(
            SESSION, owner="slow", now_ms=now_ms, until_ms=now_ms + 5_000
        )
        assert lease is not None
        await asyncio.sleep(3.5)
        serving = scene.serve()
        await asyncio.sleep(0.5)
        scene.sessions.renew_lease(
            SESSION, epoch=lease.state.epoch, until_ms=now_ms + 9_000, cursor=0
        )

        assert await serving is None
        assert scene.live.sessions == []

    run_in_virtual_time(main)


@pytest.mark.parametrize("is_takeover", [False, True])
def test_a_worker_that_cannot_read_the_conversation_lets_the_next_one_try_at_once(
    monkeypatch, is_takeover
):
    async def main():
        scene = Scene()
        if is_takeover:
            now_ms = scene.clock.now_ms()
            scene.sessions.acquire_lease(SESSION, owner="dead", now_ms=now_ms, until_ms=now_ms)
        scene.tables.states[SESSION] = replace(scene.state(), connection_id=LINE)
        load = scene.ports.reader.load_memory

        def unavailable(*_args, **_kwargs):
            raise StoreUnavailable("down")

        monkeypatch.setattr(scene.ports.reader, "load_memory", unavailable)
        with pytest.raises(StoreUnavailable):
            await scene.serve()

        assert scene.frames() == [{"type": "busy", "retry_after_ms": 1_000, "seq": None}]
        assert not scene.state().lease_is_held(scene.clock.now_ms())
        monkeypatch.setattr(scene.ports.reader, "load_memory", load)
        serving = scene.serve()
        await scene.live.opened.get()
        assert scene.metrics.takeovers == [is_takeover] * 2
        await serving

    run_in_virtual_time(main)


def test_the_cursor_does_not_pass_a_hello_before_its_connection_is_written(monkeypatch):
    async def main():
        scene = Scene()
        serving = scene.serve()
        session = await scene.one_turn()
        set_connection = scene.sessions.set_connection

        def unavailable(*_args, **_kwargs):
            raise StoreUnavailable("throttled")

        monkeypatch.setattr(scene.sessions, "set_connection", unavailable)
        cursor = scene.state().cursor
        scene._seq += 1
        hello = Numbered(scene._seq, Hello(), "line-2", scene.clock.now_ms())
        scene.mailbox.append(SESSION, hello)
        await asyncio.sleep(4)
        assert scene.state().cursor == cursor < hello.seq
        assert scene.state().lease_is_held(scene.clock.now_ms())

        monkeypatch.setattr(scene.sessions, "set_connection", set_connection)
        await scene.until(lambda: scene.state().cursor == hello.seq)
        assert scene.state().connection_id == "line-2"
        assert not session.closed
        await serving

    run_in_virtual_time(main)


def test_a_live_session_that_does_not_close_delays_the_release_by_no_more_than_2_s(monkeypatch):
    async def main():
        scene = Scene()

        async def stuck(_session):
            await asyncio.sleep(60)

        monkeypatch.setattr(FakeLiveSession, "close", stuck)
        scene.send(Bye())
        assert await scene.serve() is FinishReason.ENDED
        assert scene.clock.monotonic_ms() < 4_000

    run_in_virtual_time(main)


def test_a_client_found_gone_counts_against_its_users_cap_for_the_grace_only():
    async def main():
        scene = Scene()
        scene.tables.states[SESSION] = replace(scene.state(), connection_id=LINE)
        scene.channel.gone.add(LINE)
        serving = scene.serve()
        await scene.until(lambda: scene.state().connection_id is None)
        now_ms = scene.clock.now_ms()

        assert scene.connections.active_sessions(USER, now_ms=now_ms) == {SESSION}
        soon_ms = now_ms + SETTINGS.grace_ms
        assert not scene.connections.active_sessions(USER, now_ms=soon_ms)
        await serving

    run_in_virtual_time(main)


def test_a_client_found_gone_while_a_table_is_throttled_counts_no_longer_either(monkeypatch):
    async def main():
        scene = Scene()
        scene.tables.states[SESSION] = replace(scene.state(), connection_id=LINE)
        scene.channel.gone.add(LINE)
        lapse_session = scene.connections.lapse_session
        tries = []

        def throttled_once(*arguments, **options):
            tries.append(arguments)
            if len(tries) == 1:
                raise StoreUnavailable("throttled")
            lapse_session(*arguments, **options)

        monkeypatch.setattr(scene.connections, "lapse_session", throttled_once)
        serving = scene.serve()
        await scene.until(lambda: len(tries) == 2)
        soon_ms = scene.clock.now_ms() + SETTINGS.grace_ms
        assert not scene.connections.active_sessions(USER, now_ms=soon_ms)
        await serving

    run_in_virtual_time(main)


def test_a_bill_that_comes_after_the_last_commit_is_counted_when_the_worker_leaves() -> None:
    async def scene() -> None:
        it = Scene()
        serving = it.serve()
        session = await it.one_turn()
        day = utc_day(it.clock.now_ms())
        before = it.usage.of_day(USER, day)
        assert (before.turns, before.cost_usd) == (1, it.state().cost_usd)

        session.emit(LiveUsage(TokenUsage(audio_out=1_000_000)))
        assert await serving is FinishReason.IDLE

        after = it.usage.of_day(USER, day)
        assert after.cost_usd - before.cost_usd == LIVE_PRICES.audio_out_usd
        assert (after.turns, it.state().cost_usd) == (1, after.cost_usd)
        assert it.metrics.left_by_limit == [False]

    run_in_virtual_time(scene)


def test_a_failed_count_of_usage_keeps_nobody_from_leaving() -> None:
    async def scene() -> None:
        it = Scene()
        serving = it.serve()
        session = await it.one_turn()
        it.usage.failing = True
        session.emit(LiveUsage(TokenUsage(audio_out=1)))

        assert await serving is FinishReason.IDLE
        assert it.state().owner is None

    run_in_virtual_time(scene)
