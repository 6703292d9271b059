"""Which worker serves a session, from when, and until when."""

import asyncio
import json
from dataclasses import replace

import pytest

from repartee.application.serving.lease_keeper import RENEW_EVERY_MS
from repartee.application.serving.serve_session import MAX_HOPS, MAX_WAKE_AGE_MS
from repartee.domain.cost.limits import utc_day
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveAudio, LiveUsage
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.state import PendingCall
from repartee.domain.tools.core_calls import ASK_CORE_AGENT, ToolCallKey
from repartee.ports.metrics import Metric
from tests.fakes.erasure_store import FakeErasureStore
from tests.fakes.live_model import SentText
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    LINE,
    REPLY,
    SESSION,
    USER,
    WorkerHarness,
    unavailable,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_a_second_worker_leaves_at_once_and_opens_no_live_session():
    scene = WorkerHarness()
    first = scene.serve()
    await scene.live.opened.get()
    assert await scene.serve() is None
    assert len(scene.live.sessions) == 1
    await first


@in_virtual_time
async def test_the_log_names_the_persona_of_a_session():
    scene = WorkerHarness()
    await scene.serve()

    assert scene.log.informed["lease taken"]["persona"] == "front_desk"


@in_virtual_time
async def test_a_late_wake_without_work_opens_no_live_session():
    scene = WorkerHarness()
    await scene.serve()
    assert await scene.serve(late_ms=MAX_WAKE_AGE_MS + 1) is None
    assert len(scene.live.sessions) == 1
    assert scene.state().epoch == 1


@in_virtual_time
async def test_a_late_wake_serves_a_user_who_has_spoken():
    scene = WorkerHarness()
    serving = scene.serve(late_ms=MAX_WAKE_AGE_MS + 1)
    await scene.one_turn()
    assert await serving is FinishReason.IDLE


@in_virtual_time
async def test_a_late_wake_fetches_an_answer_that_is_owed():
    scene = WorkerHarness()
    await scene.serve()
    pending = PendingCall(ToolCallKey(1, 1), ASK_CORE_AGENT, '{"question":"when"}', "hash")
    scene.tables.states[SESSION] = replace(scene.state(), pending_calls=(pending,))
    serving = scene.serve(late_ms=MAX_WAKE_AGE_MS + 1)
    await scene.until(lambda: scene.core.requests)
    await serving


@in_virtual_time
async def test_an_idle_worker_lingers_and_then_releases_the_lease_with_its_cursor():
    scene = WorkerHarness()
    serving = scene.serve()
    assert await serving is FinishReason.IDLE
    assert 30_000 <= scene.clock.monotonic_ms() < 31_000
    state = scene.state()
    assert not state.is_lease_held(scene.clock.now_ms())
    assert (state.cursor, state.ended) == (1, False)
    assert scene.live.sessions[0].closed


@in_virtual_time
async def test_input_that_comes_while_a_worker_releases_the_lease_is_served(
    monkeypatch,
):
    scene = WorkerHarness()
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


@in_virtual_time
async def test_the_lease_of_a_running_worker_never_looks_expired():
    scene = WorkerHarness()
    serving = scene.serve()
    await scene.live.opened.get()
    left_ms = []
    for _ in range(200):
        now_ms = scene.clock.now_ms()
        assert not scene.state().is_lease_expiring(now_ms)
        left_ms.append(scene.state().lease_until_ms - now_ms)
        await asyncio.sleep(0.05)
    # 5 s long, and renewed every 1.5 s.
    assert 3_400 <= min(left_ms) <= 3_550
    assert max(left_ms) == 5_000
    await serving


@in_virtual_time
async def test_a_worker_that_cannot_renew_its_lease_stops_and_posts_nothing_more(
    monkeypatch,
):
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.live.opened.get()

    monkeypatch.setattr(scene.sessions, "renew_lease", unavailable)
    assert await serving is FinishReason.FENCED
    assert scene.clock.monotonic_ms() < 5_000
    heard = len(scene.frames())
    session.emit(LiveAudio(REPLY))
    await asyncio.sleep(10)
    assert len(scene.frames()) == heard


@in_virtual_time
async def test_a_worker_whose_lease_was_taken_writes_nothing():
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.one_utterance()
    state = scene.tables.states[SESSION]
    scene.tables.states[SESSION] = replace(state, epoch=state.epoch + 1)
    session.emit(LiveUsage(TokenUsage(audio_out=1_000_000)))
    await scene.answer(session, "hello", "Hello.")
    scene.acknowledge_all()
    assert await serving is FinishReason.FENCED
    assert not scene.tables.turns.get(CONVERSATION)
    assert scene.usage.of_day(USER, utc_day(scene.clock.now_ms())).cost_usd == 0


@in_virtual_time
async def test_a_worker_whose_conversation_is_erased_writes_only_its_cost():
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.one_utterance()
    session.emit(LiveUsage(TokenUsage(audio_out=1_000_000)))
    await scene.answer(session, "hello", "Hello.")
    # Heard, not acknowledged, and so not committed yet.
    erasures = FakeErasureStore(scene.tables)
    erasures.begin(USER, now_ms=scene.clock.now_ms(), conversation_id=CONVERSATION)
    erasures.end_session(SESSION)
    erasures.delete(USER, list(erasures.items(USER, CONVERSATION)))
    before = scene.usage.of_day(USER, utc_day(scene.clock.now_ms())).cost_usd

    assert await serving is FinishReason.FENCED

    assert list(erasures.items(USER, CONVERSATION)) == []
    used = scene.usage.of_day(USER, utc_day(scene.clock.now_ms()))
    assert before == 0 < used.cost_usd
    assert used.turns == 0


@in_virtual_time
async def test_a_worker_hands_over_before_its_time_is_up():
    scene = WorkerHarness()
    assert await scene.serve(hop=2, remaining_ms=100_000) is FinishReason.HAND_OVER
    assert scene.clock.monotonic_ms() < 11_000
    assert [wake.hop for wake in scene.workers.wakes] == [3]
    assert not scene.state().is_lease_held(scene.clock.now_ms())


@in_virtual_time
async def test_a_successor_is_woken_after_its_predecessor_has_released_everything(monkeypatch):
    scene = WorkerHarness()
    left: list[tuple[bool, bool]] = []

    def wake(_request: object) -> None:
        is_held = scene.state().is_lease_held(scene.clock.now_ms())
        left.append((is_held, all(live.closed for live in scene.live.sessions)))

    monkeypatch.setattr(scene.workers, "wake", wake)
    assert await scene.serve(remaining_ms=100_000) is FinishReason.HAND_OVER
    assert len(scene.live.sessions) == 1
    assert left == [(False, True)]


@in_virtual_time
async def test_a_worker_that_leaves_before_its_first_renewal_stores_its_cursor():
    scene = WorkerHarness()
    assert await scene.serve(remaining_ms=90_500) is FinishReason.HAND_OVER
    assert scene.clock.monotonic_ms() < RENEW_EVERY_MS
    assert scene.state().cursor == 1


@in_virtual_time
async def test_a_deadline_that_moves_nearer_is_noticed():
    scene = WorkerHarness()
    left_ms = 900_000
    serving = scene.serve(remaining_ms=lambda: left_ms)
    await asyncio.sleep(5)
    left_ms = 89_000
    assert await serving is FinishReason.HAND_OVER
    assert scene.clock.monotonic_ms() < 6_000


@in_virtual_time
async def test_a_chain_of_workers_that_is_too_long_is_not_continued():
    scene = WorkerHarness()
    await scene.serve(hop=MAX_HOPS, remaining_ms=100_000)
    assert scene.workers.wakes == []


@in_virtual_time
async def test_a_worker_takes_a_dead_workers_lease_when_it_expires():
    scene = WorkerHarness()
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
    assert scene.metrics.of(Metric.TAKEOVERS) == [1]
    await serving


@in_virtual_time
async def test_a_worker_leaves_a_late_lease_to_its_holder():
    scene = WorkerHarness()
    now_ms = scene.clock.now_ms()
    lease = scene.sessions.acquire_lease(
        SESSION, owner="slow", now_ms=now_ms, until_ms=now_ms + 5_000
    )
    assert lease is not None
    await asyncio.sleep(3.5)
    serving = scene.serve()
    await asyncio.sleep(0.5)
    scene.sessions.renew_lease(SESSION, epoch=lease.state.epoch, until_ms=now_ms + 9_000, cursor=0)

    assert await serving is None
    assert scene.live.sessions == []


@in_virtual_time
async def test_two_undelivered_replies_reach_a_client_that_comes_back():
    scene = WorkerHarness()
    left_ms = [900_000]
    serving = scene.serve(remaining_ms=lambda: left_ms[0])
    live = await scene.live.opened.get()
    heard = len(scene.frames())
    scene.channel.slow.add(LINE)
    for said in ("We open at nine.", "We close at five."):
        scene.speak()
        await asyncio.sleep(1)
        await scene.answer(live, "hello", said)
        await asyncio.sleep(1)
    left_ms[0] = 20_000
    assert await serving is FinishReason.HAND_OVER
    assert [turn.said for turn in scene.tables.turns[CONVERSATION].values()] == [
        "We open at nine.",
        "We close at five.",
    ]
    assert len(scene.frames()) == heard
    assert LINE in scene.channel.gone

    successor = scene.serve(hop=1)
    live = await scene.live.opened.get()
    scene.come_back("line-2", OutputPosition(1, heard))
    await scene.until(lambda: live.sent)

    posted = [json.loads(frame) for frame in scene.channel.posts["line-2"]]
    lost = [(one["turn"], one["text"]) for one in posted if one["type"] == "reply_lost"]
    assert lost == [(1, "We open at nine."), (2, "We close at five.")]
    asked = live.sent[0]
    assert isinstance(asked, SentText)
    assert "We open at nine. We close at five." in asked.text
    await successor


@in_virtual_time
async def test_what_a_worker_read_of_the_clients_acknowledgement_outlives_it_without_a_turn():
    scene = WorkerHarness()
    serving = scene.serve()
    await scene.answer(await scene.one_utterance(), "hello", "Hello.")
    await serving
    assert [turn.number for turn in scene.state().undelivered] == [1]
    scene.acknowledge_all()

    assert await scene.serve() is FinishReason.IDLE

    assert scene.state().undelivered == ()
    assert not scene.frames("reply_lost")
