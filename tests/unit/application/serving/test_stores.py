"""A worker reads and writes more than its turns, and survives failures of the tables."""

import asyncio
from dataclasses import replace

import pytest

from repartee.config import LIVE_PRICES
from repartee.domain.cost.limits import utc_day
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import StoreUnavailable
from repartee.domain.live.model import LiveUsage
from repartee.domain.protocol.messages import Hello, Numbered
from repartee.domain.session.effects import FinishReason
from repartee.ports.metrics import Metric
from tests.unit.application.serving.worker_harness import (
    LINE,
    SESSION,
    SETTINGS,
    USER,
    WorkerHarness,
    unavailable,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_a_mailbox_that_fails_for_a_while_loses_nothing(monkeypatch):
    scene = WorkerHarness()
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


@pytest.mark.parametrize("is_takeover", [False, True])
@in_virtual_time
async def test_a_worker_that_cannot_read_the_conversation_releases_the_lease_at_once(
    monkeypatch, is_takeover
):
    scene = WorkerHarness()
    if is_takeover:
        now_ms = scene.clock.now_ms()
        scene.sessions.acquire_lease(SESSION, owner="dead", now_ms=now_ms, until_ms=now_ms)
    scene.tables.states[SESSION] = replace(scene.state(), connection_id=LINE)
    load = scene.ports.reader.load_memory

    monkeypatch.setattr(scene.ports.reader, "load_memory", unavailable)
    with pytest.raises(StoreUnavailable):
        await scene.serve()

    assert scene.frames() == [{"type": "busy", "retry_after_ms": 1_000, "seq": None}]
    assert not scene.state().is_lease_held(scene.clock.now_ms())
    monkeypatch.setattr(scene.ports.reader, "load_memory", load)
    serving = scene.serve()
    await scene.live.opened.get()
    assert scene.metrics.of(Metric.TAKEOVERS) == [is_takeover] * 2
    await serving


@in_virtual_time
async def test_the_cursor_does_not_pass_a_hello_before_its_connection_is_written(monkeypatch):
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.one_turn()
    set_connection = scene.sessions.set_connection

    monkeypatch.setattr(scene.sessions, "set_connection", unavailable)
    cursor = scene.state().cursor
    scene._seq += 1
    hello = Numbered(scene._seq, Hello(), "line-2", scene.clock.now_ms())
    scene.mailbox.append(SESSION, hello)
    await asyncio.sleep(4)
    assert scene.state().cursor == cursor < hello.seq
    assert scene.state().is_lease_held(scene.clock.now_ms())

    monkeypatch.setattr(scene.sessions, "set_connection", set_connection)
    await scene.until(lambda: scene.state().cursor == hello.seq)
    assert scene.state().connection_id == "line-2"
    assert not session.closed
    await serving


@in_virtual_time
async def test_a_client_found_gone_counts_against_its_users_cap_for_the_grace_only():
    scene = WorkerHarness()
    scene.tables.states[SESSION] = replace(scene.state(), connection_id=LINE)
    scene.channel.gone.add(LINE)
    serving = scene.serve()
    await scene.until(lambda: scene.state().connection_id is None)
    now_ms = scene.clock.now_ms()

    assert scene.connections.active_sessions(USER, now_ms=now_ms).keys() == {SESSION}
    soon_ms = now_ms + SETTINGS.grace_ms
    assert not scene.connections.active_sessions(USER, now_ms=soon_ms)
    await serving


@in_virtual_time
async def test_a_client_found_gone_while_a_table_fails_counts_for_the_grace_only(
    monkeypatch,
):
    scene = WorkerHarness()
    scene.tables.states[SESSION] = replace(scene.state(), connection_id=LINE)
    scene.channel.gone.add(LINE)
    set_session_expiry = scene.connections.set_session_expiry
    tries = []

    def throttled_once(*arguments, **options):
        tries.append(arguments)
        if len(tries) == 1:
            raise StoreUnavailable("throttled")
        set_session_expiry(*arguments, **options)

    monkeypatch.setattr(scene.connections, "set_session_expiry", throttled_once)
    serving = scene.serve()
    await scene.until(lambda: len(tries) == 2)
    soon_ms = scene.clock.now_ms() + SETTINGS.grace_ms
    assert not scene.connections.active_sessions(USER, now_ms=soon_ms)
    await serving


@in_virtual_time
async def test_a_bill_that_comes_after_the_last_commit_is_counted_when_the_worker_leaves() -> None:
    it = WorkerHarness()
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
    assert it.metrics.of(Metric.LIMITS_REACHED) == [0]


@in_virtual_time
async def test_a_failed_count_of_usage_does_not_stop_a_worker_from_leaving() -> None:
    it = WorkerHarness()
    serving = it.serve()
    session = await it.one_turn()
    it.usage.failing = True
    session.emit(LiveUsage(TokenUsage(audio_out=1)))

    assert await serving is FinishReason.IDLE
    assert it.state().owner is None
