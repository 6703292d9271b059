"""What a worker reports of a session: its metrics, and log lines that name the session."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from repartee.application.serving.lease_keeper import LEASE_MS, RENEW_EVERY_MS
from repartee.domain.errors import CoreAgentFailed, LiveSetupFailed
from repartee.domain.live.model import LiveAudio, LiveClosed, LiveFailure, LiveToolCall
from repartee.domain.protocol.messages import Bye, Detached, OutputPosition, Text
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.timing import STALL_MS
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus
from repartee.ports.metrics import Metric
from tests.fakes.core_agent import FakeCoreAgent
from tests.fakes.live_model import FakeLiveSession
from tests.fakes.log import CapturedLog
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    LINE,
    REPLY,
    SESSION,
    WorkerHarness,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

CRASHED = CoreAgentFailed("core_agent failed", retryable=True)


class ObservedScene(WorkerHarness):
    """A session whose log is that of the functions."""

    def __init__(self) -> None:
        super().__init__()
        self.captured = CapturedLog()
        self.ports = replace(self.ports, log=self.captured.logger)

    async def another_turn(self, session: FakeLiveSession) -> None:
        """Hold a further turn, up to its commit."""
        self.speak()
        sent, turns = len(session.sent), len(self.tables.turns[CONVERSATION])
        await self.until(lambda: len(session.sent) >= sent + 3)
        await self.answer(session, "and?", "No.")
        await self.until(lambda: len(self.frames("turn_end")) > turns)
        self.acknowledge_all()
        await self.until(lambda: len(self.tables.turns[CONVERSATION]) > turns)

    def lines(self, message: str) -> list[dict[str, Any]]:
        return [line for line in self.captured.lines if line["message"] == message]


@in_virtual_time
async def test_a_turn_is_timed_in_one_line_from_the_wake_to_the_end_of_its_reply() -> None:
    it = ObservedScene()
    it.live.may_open.clear()
    serving = it.serve(late_ms=70)
    await asyncio.sleep(0.4)
    it.live.may_open.set()
    session = await it.one_utterance()
    await asyncio.sleep(0.3)
    session.emit(LiveToolCall("x", "ask_core_agent", '{"question":"book"}'))
    await it.until(it.tool_responses)
    await asyncio.sleep(0.5)
    await it.answer(session, "book", "You are booked.")
    await it.until(lambda: it.frames("turn_end"))
    it.acknowledge_all()
    await it.until(lambda: it.tables.turns.get(CONVERSATION))

    (line,) = it.lines("turn timed")
    assert (line["session_id"], line["turn"], line["epoch"]) == (SESSION, 1, 1)
    assert (line["wake_to_lease_ms"], line["setup_ms"]) == (70, 400)
    assert 300 <= line["speech_end_to_model_ms"] < 350
    assert 800 <= line["speech_end_to_audio_ms"] == line["speech_end_to_heard_ms"] < 850
    assert line["tool_ms"] == 0
    assert 500 <= line["reply_ms"] < 550
    assert line["turn_ms"] >= line["reply_ms"] + line["speech_end_to_model_ms"]
    assert 0 <= line["input_to_speech_end_ms"] < 250
    assert it.metrics.of(Metric.SETUP_MS) == [400]
    assert it.metrics.of(Metric.WAKE_TO_LEASE_MS) == [70]
    await serving


@in_virtual_time
async def test_only_the_first_turn_of_a_worker_waited_for_it_and_for_the_live_session() -> None:
    it = ObservedScene()
    serving = it.serve()
    await it.another_turn(await it.one_turn())

    first, second = it.lines("turn timed")
    assert (first["wake_to_lease_ms"], first["setup_ms"]) == (0, 0)
    assert "wake_to_lease_ms" not in second  # the logger leaves out what is None
    assert "setup_ms" not in second
    assert second["speech_end_to_heard_ms"] >= 0
    await serving


@in_virtual_time
async def test_a_session_is_opened_and_heard_once_however_many_workers_serve_it() -> None:
    it = ObservedScene()
    serving = it.serve()
    await it.one_turn()
    assert it.metrics.of(Metric.SESSIONS_HEARD) == [1]
    assert await serving is FinishReason.IDLE
    serving = it.serve()
    await it.another_turn(await it.live.opened.get())
    it.send(Bye())
    assert await serving is FinishReason.ENDED

    assert it.metrics.of(Metric.SESSIONS_OPENED) == [1]
    assert it.metrics.of(Metric.SESSIONS_HEARD) == [1]
    assert it.metrics.of(Metric.NO_ANSWER) == [0, 0]
    assert it.metrics.by(Metric.SESSIONS_ENDED) == ["bye"]
    assert it.metrics.of(Metric.LIVE_DROPPED) == []


@in_virtual_time
async def test_a_worker_with_turns_is_counted_once_a_minute() -> None:
    it = ObservedScene()
    serving = it.serve()
    session = await it.one_turn()
    for talking in (1, 1, 2):
        await asyncio.sleep(20)
        await it.another_turn(session)
        assert it.metrics.of(Metric.TALKING_WORKERS) == [1] * talking
    await serving


@pytest.mark.parametrize(
    ("code", "is_retryable", "counted", "ended"),
    [
        (1007, False, "refused", "refused"),
        (429, True, "busy", "busy"),
        (0, True, "unreachable", "busy"),
    ],
)
@in_virtual_time
async def test_a_refused_live_session_is_counted_by_what_gemini_did(
    code: int, is_retryable: bool, counted: str, ended: str
) -> None:
    it = ObservedScene()
    refusal = LiveSetupFailed("no", code=code, retryable=is_retryable)
    it.live.refusals.extend([refusal] * 20)
    assert await it.serve() is FinishReason.ENDED

    assert set(it.metrics.by(Metric.LIVE_REFUSED)) == {counted}
    assert it.metrics.by(Metric.SESSIONS_ENDED) == [ended]
    assert it.metrics.of(Metric.SESSIONS_OPENED) == [1]
    assert it.metrics.of(Metric.SESSIONS_HEARD) == it.metrics.of(Metric.SETUP_MS) == []
    assert {line["session_id"] for line in it.lines("live session refused")} == {SESSION}


@pytest.mark.parametrize(("code", "counted"), [(1006, "1006"), (1011, "1011"), (4321, "other")])
@in_virtual_time
async def test_a_live_session_that_breaks_off_is_counted_by_its_close_code(
    code: int, counted: str
) -> None:
    it = ObservedScene()
    serving = it.serve()
    session = await it.one_turn()
    session.emit(LiveClosed(LiveFailure.DROPPED, code, ""))
    await it.live.opened.get()
    await serving

    assert it.metrics.by(Metric.LIVE_DROPPED) == [counted]
    (line,) = it.lines("live session closed")
    assert (line["session_id"], line["code"]) == (SESSION, code)


@in_virtual_time
async def test_a_turn_that_gemini_does_not_answer_is_counted_and_no_session_is_heard() -> None:
    it = ObservedScene()
    serving = it.serve()
    it.send(Text("hello"))
    await asyncio.sleep(4 * STALL_MS / 1000)
    it.acknowledge_all()
    await serving

    assert it.metrics.of(Metric.NO_ANSWER) == [1]
    assert it.metrics.of(Metric.SESSIONS_HEARD) == it.metrics.of(Metric.FIRST_AUDIO_MS) == []


@in_virtual_time
async def test_the_time_without_a_connection_is_counted_when_the_client_returns() -> None:
    it = ObservedScene()
    serving = it.serve()
    await it.one_turn()
    it.mailbox.notify(SESSION, Detached(LINE), now_ms=it.clock.now_ms())
    await asyncio.sleep(4)
    assert it.metrics.of(Metric.RECONNECT_GAP_MS) == []
    last = it.frames()[-1]
    it.come_back("line-2", OutputPosition(last["epoch"], last["seq"]))
    await asyncio.sleep(1)
    (gap_ms,) = it.metrics.of(Metric.RECONNECT_GAP_MS)
    assert 3_700 <= gap_ms <= 4_300
    await serving


@in_virtual_time
async def test_a_takeover_counts_the_time_since_the_dead_worker_renewed_its_lease() -> None:
    it = ObservedScene()
    serving = it.serve()
    await it.one_utterance()
    await asyncio.sleep(2 * RENEW_EVERY_MS / 1000)
    serving.cancel()
    await asyncio.wait({serving})
    await asyncio.sleep(LEASE_MS / 1000)
    await asyncio.sleep(2)
    serving = it.serve()
    await it.live.opened.get()

    (gap_ms,) = it.metrics.of(Metric.TAKEOVER_GAP_MS)
    assert LEASE_MS + 2_000 <= gap_ms <= LEASE_MS + 2_000 + RENEW_EVERY_MS
    serving.cancel()
    await asyncio.wait({serving})


@pytest.mark.parametrize(
    ("script", "errors"),
    [([CoreAnswer(ToolCallStatus.DONE, "Yes.")], 0), ([CRASHED, CRASHED], 2)],
)
@in_virtual_time
async def test_a_question_to_core_agent_counts_its_time_and_its_failures(
    script: list[CoreAnswer | CoreAgentFailed], errors: int
) -> None:
    it = ObservedScene()
    it.ports = replace(it.ports, core=FakeCoreAgent(script))
    serving = it.serve()
    session = await it.one_utterance()
    session.emit(LiveToolCall("x", "ask_core_agent", '{"question":"book"}'), LiveAudio(REPLY))
    await it.until(it.tool_responses)

    assert it.metrics.of(Metric.CORE_AGENT_ERRORS) == [errors]
    assert it.metrics.of(Metric.CORE_AGENT_MS) == [200 * bool(errors)]
    assert [line["turn"] for line in it.lines("core agent failed")] == [1] * errors
    serving.cancel()
    await asyncio.wait({serving})


@in_virtual_time
async def test_every_line_of_a_troubled_session_names_the_session_and_the_lease() -> None:
    it = ObservedScene()
    it.ports = replace(it.ports, core=FakeCoreAgent([CRASHED]))
    it.live.refusals.append(LiveSetupFailed("quota", code=429, retryable=True))
    serving = it.serve()
    session = await it.one_utterance()
    session.emit(LiveToolCall("x", "ask_core_agent", '{"question":"book"}'))
    await it.until(it.tool_responses)
    await it.answer(session, "book", "I cannot.")
    session.emit(LiveClosed(LiveFailure.DROPPED, 1011, ""))
    await it.until(lambda: it.frames("turn_end"))
    it.acknowledge_all()
    it.send(Bye())
    assert await serving is FinishReason.ENDED

    said = {line["message"] for line in it.captured.lines}
    assert {"lease taken", "live session refused", "live session closed"} <= said
    assert {"core agent failed", "turn timed", "lease left"} <= said
    assert {(line.get("session_id"), line.get("epoch")) for line in it.captured.lines} == {
        (SESSION, 1)
    }
