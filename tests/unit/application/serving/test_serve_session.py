"""A worker's visit to a session, on fakes and in virtual time."""

import asyncio
from decimal import Decimal

import pytest

from repartee.domain.errors import CoreAgentFailed
from repartee.domain.live.model import (
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    Role,
    TurnStatus,
)
from repartee.domain.protocol.messages import Bye, Text
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.events import Tick
from repartee.domain.session.machine import SessionMachine
from repartee.ports.metrics import Metric
from tests.fakes.live_model import FakeLiveSession, SentAudio
from tests.unit.application.serving.worker_harness import (
    CHUNK,
    CONVERSATION,
    LINE,
    SESSION,
    SETTINGS,
    USER,
    WorkerHarness,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


@in_virtual_time
async def test_a_spoken_turn_is_heard_answered_remembered_once_and_its_input_forgotten():
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.one_turn()
    audio = b"".join(sent.pcm for sent in session.sent if isinstance(sent, SentAudio))
    assert audio.startswith(CHUNK.pcm * 2)
    silence = audio.removeprefix(CHUNK.pcm * 2)
    assert len(silence) >= 32_000
    assert not any(silence)
    turn = scene.tables.turns[CONVERSATION][1]
    assert (turn.heard, turn.said) == ("hello", "Hello to you.")
    assert turn.cost_usd == Decimal("0.000525")
    assert [frame["seq"] for frame in scene.frames()] == list(range(1, len(scene.frames()) + 1))
    await scene.until(lambda: not scene.tables.mailboxes[SESSION].messages)
    assert scene.metrics.of(Metric.INPUT_TOKENS) == [150]
    assert scene.metrics.of(Metric.TAKEOVERS) == [0]
    assert scene.metrics.of(Metric.SESSIONS_OPENED) == [1]
    assert await serving is FinishReason.IDLE


@in_virtual_time
async def test_an_unacknowledged_turn_is_not_remembered_before_the_grace_is_over():
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.one_utterance()
    await scene.answer(session, "hello", "Hello.")
    await scene.until(lambda: scene.frames("turn_end"))
    over_ms = scene.clock.monotonic_ms()
    await scene.until(lambda: scene.tables.turns.get(CONVERSATION))
    assert scene.clock.monotonic_ms() - over_ms >= SETTINGS.grace_ms - 100
    await serving


@in_virtual_time
async def test_core_agent_gets_the_sessions_ids_and_its_answer_goes_back_to_the_model():
    scene = WorkerHarness()
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


@in_virtual_time
async def test_a_failure_of_core_agent_is_given_to_the_model_to_speak():
    scene = WorkerHarness()
    scene.core._script[0] = CoreAgentFailed("timed out", retryable=True)
    serving = scene.serve()
    session = await scene.live.opened.get()
    session.emit(LiveToolCall("call-1", "ask_core_agent", '{"question":"book"}'))
    await scene.until(scene.tool_responses)
    assert scene.tool_responses()[0].status == "failed"
    session.emit(LiveTurnComplete(TurnStatus.IDLE))
    await serving


@in_virtual_time
async def test_a_slow_client_gets_every_frame_in_order_once_it_can_take_them():
    scene = WorkerHarness()
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


@in_virtual_time
async def test_a_worker_leaves_what_a_client_that_is_gone_would_have_to_wait_for():
    scene = WorkerHarness()
    scene.send(*(Text(f"Question {number}?") for number in range(20)))
    scene.channel.gone.add(LINE)
    serving = scene.serve()

    session = await scene.live.opened.get()
    while not serving.done():
        session.emit(LiveTranscript(Role.MODEL, "Yes."))
        session.emit(LiveTurnComplete(TurnStatus.IDLE))
        await asyncio.sleep(1)

    assert await serving is FinishReason.IDLE
    assert scene.clock.monotonic_ms() <= SETTINGS.grace_ms + 2_000
    assert scene.metrics.of(Metric.TAKEOVERS) == [0]
    assert not scene.state().is_lease_held(scene.clock.now_ms())
    left = scene.mailbox.read_after(SESSION, scene.state().cursor)
    assert 16 <= len(left) < 20


@in_virtual_time
async def test_a_stop_ends_a_running_session_and_its_live_session_within_five_seconds():
    scene = WorkerHarness()
    serving = scene.serve()
    session = await scene.one_turn()
    stopped_at_ms = scene.clock.monotonic_ms()
    scene.switch.stopped = True

    assert await serving is FinishReason.ENDED

    assert scene.clock.monotonic_ms() - stopped_at_ms < 5_000
    assert session.closed
    assert scene.frames("error")[0]["code"] == "calls_stopped"
    assert scene.frames("closed")[0]["reason"] == "stopped"
    assert scene.state().ended


@in_virtual_time
async def test_a_worker_that_is_woken_while_calls_are_stopped_opens_no_live_session():
    scene = WorkerHarness()
    scene.switch.stopped = True

    assert await scene.serve() is FinishReason.ENDED

    assert scene.frames("closed")[0]["reason"] == "stopped"
    assert scene.live.opened.empty()


@in_virtual_time
async def test_the_cost_of_a_turn_counts_for_the_deployment_once():
    scene = WorkerHarness()
    scene.budget.cap_usd = Decimal(1)
    serving = scene.serve()
    await scene.one_turn()
    scene.send(Bye())
    await serving

    (turn,) = scene.tables.turns[CONVERSATION].values()
    assert turn.cost_usd > 0
    assert list(scene.spendings.totals.values()) == [turn.cost_usd]


@in_virtual_time
async def test_a_bye_ends_the_session_and_the_conversation_stays():
    scene = WorkerHarness()
    serving = scene.serve()
    await scene.one_turn()
    scene.send(Bye())
    assert await serving is FinishReason.ENDED
    assert scene.frames("closed")[0]["reason"] == "bye"
    assert not scene.connections.active_sessions(USER, now_ms=scene.clock.now_ms())
    assert 1 in scene.tables.turns[CONVERSATION]


@pytest.mark.parametrize("moment", ["write", "ask", "listen"])
@in_virtual_time
async def test_an_unexpected_error_ends_the_worker_with_its_own_type(monkeypatch, moment):
    scene = WorkerHarness()

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


@in_virtual_time
async def test_a_live_session_whose_set_up_hangs_does_not_hold_up_the_next_one(monkeypatch):
    scene = WorkerHarness()
    open_live = scene.live.open

    async def hang(config):
        monkeypatch.setattr(scene.live, "open", open_live)
        await asyncio.Event().wait()

    monkeypatch.setattr(scene.live, "open", hang)
    serving = scene.serve()
    await scene.one_turn()
    assert scene.clock.monotonic_ms() < 15_000
    assert await serving is FinishReason.IDLE


@in_virtual_time
async def test_a_machine_that_fails_at_a_deadline_ends_its_worker(monkeypatch):
    scene = WorkerHarness()
    handle = SessionMachine.handle

    def fail_at_a_tick(machine, event, now_ms):
        if isinstance(event, Tick):
            raise ZeroDivisionError
        return handle(machine, event, now_ms)

    monkeypatch.setattr(SessionMachine, "handle", fail_at_a_tick)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(scene.serve(), timeout=60)
