"""The worker posts the spans of each committed turn, and no word of it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from repartee.adapters.no_tracer import NoTracer
from repartee.domain.live.model import LiveToolCall
from repartee.domain.session.effects import FinishReason
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallStatus
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming, StepKind
from repartee.domain.tracing.spans import Span, TraceContext
from repartee.domain.tracing.turn_spans import wake_context
from stream_agent.handler import FLUSH_TRACES_S, Deps, handle
from tests.fakes.core_agent import FakeCoreAgent
from tests.fakes.live_model import FakeLiveSession
from tests.fakes.tracer import FakeTracer
from tests.unit.application.serving.worker_harness import (
    CONVERSATION,
    SESSION,
    USER,
    WorkerHarness,
)
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

WAKE = wake_context(SESSION, 1)
QUESTION, ANSWER = "book three o'clock", "You are booked."


class TracedScene(WorkerHarness):
    """A session whose core_agent returns its times, as for a question with a trace context."""

    def __init__(self) -> None:
        super().__init__()
        now_ms = self.clock.now_ms()
        step = AgentStep(StepKind.TOOL, "book", now_ms, now_ms)
        timing = AgentTiming(now_ms, now_ms, (step,))
        self.core = FakeCoreAgent([CoreAnswer(ToolCallStatus.DONE, ANSWER, timing=timing)])
        self.ports = replace(self.ports, core=self.core)

    async def booking(self, session: FakeLiveSession) -> None:
        """Ask for a booking, hear the answer, and commit the turn."""
        session.emit(LiveToolCall("x", "ask_core_agent", f'{{"question":"{QUESTION}"}}'))
        await self.until(self.tool_responses)
        await asyncio.sleep(0.5)
        await self.answer(session, QUESTION, ANSWER)
        await self.commit(1)

    async def commit(self, count: int) -> None:
        await self.until(lambda: len(self.frames("turn_end")) == count)
        self.acknowledge_all()
        await self.until(lambda: len(self.tables.turns.get(CONVERSATION, ())) == count)


@in_virtual_time
async def test_a_turn_has_the_trace_of_its_wake_and_the_next_one_has_its_own() -> None:
    it = TracedScene()
    serving = it.serve(traceparent=WAKE.traceparent)
    session = await it.one_utterance()
    await it.booking(session)
    it.speak()
    sent = len(session.sent)
    await it.until(lambda: len(session.sent) >= sent + 3)
    await it.answer(session, "and?", "No.")
    await it.commit(2)
    await serving

    first, second = it.tracer.traces
    assert {span.context.trace_id for span in first} == {WAKE.trace_id}
    assert [span.name for span in first] == [
        "turn",
        "receive input",
        "wake worker",
        "open live session",
        "chat gemini-3.8-live",
        "post first audio",
        "execute_tool ask_core_agent",
        "invoke_agent core_agent",
        "execute_tool book",
    ]
    assert WAKE in [span.context for span in first]
    asked = TraceContext.read(it.core.requests[0].traceparent)
    assert asked in [span.context for span in first if span.name.endswith("ask_core_agent")]
    assert WAKE.trace_id not in {span.context.trace_id for span in second}
    assert "wake worker" not in [span.name for span in second]
    assert [trace[0].attributes["repartee.turn"] for trace in (first, second)] == [1, 2]


@in_virtual_time
async def test_no_span_holds_a_word_or_the_user() -> None:
    it = TracedScene()
    serving = it.serve(traceparent=WAKE.traceparent)
    await it.booking(await it.one_utterance())
    await serving

    (trace,) = it.tracer.traces
    texts = {text for span in trace for text in texts_of(span)}
    assert CONVERSATION in texts
    for secret in (QUESTION, ANSWER, USER, "three", "booked"):
        assert not any(secret in text for text in texts), secret


def texts_of(span: Span) -> list[str]:
    return [span.name, span.error_type, *map(str, span.attributes.values())]


@in_virtual_time
async def test_without_tracing_no_question_has_a_context() -> None:
    it = TracedScene()
    it.ports = replace(it.ports, tracer=NoTracer())
    serving = it.serve()
    await it.booking(await it.one_utterance())
    await serving

    assert [request.traceparent for request in it.core.requests] == [""]


@in_virtual_time
async def test_a_tracer_that_fails_costs_a_line_and_no_turn() -> None:
    class Broken(FakeTracer):
        def post(self, trace: Any) -> None:
            raise RuntimeError

    it = TracedScene()
    it.ports = replace(it.ports, tracer=Broken())
    serving = it.serve()
    await it.booking(await it.one_utterance())

    assert await serving is FinishReason.IDLE
    assert it.log.warned == ["turn not traced"]


@in_virtual_time
async def test_a_successor_gets_a_context_of_its_own() -> None:
    it = TracedScene()
    time_left_ms = [900_000]
    serving = it.serve(remaining_ms=lambda: time_left_ms[0], traceparent=WAKE.traceparent)
    session = await it.one_utterance()
    await it.answer(session, "hello", "Hello.")
    await it.commit(1)
    time_left_ms[0] = 15_000

    assert await serving is FinishReason.HAND_OVER
    (successor,) = it.workers.wakes
    context = TraceContext.read(successor.traceparent)
    assert context == wake_context(SESSION, successor.woken_at_ms) != WAKE


@pytest.mark.parametrize("fails", [False, True])
def test_a_worker_that_leaves_waits_for_its_traces(fails: bool) -> None:
    class Server:
        async def serve(self, _wake: Any, **_: Any) -> str:
            if fails:
                raise OSError
            return "idle"

    tracer = FakeTracer()
    server: Any = Server()
    wake = {"session_id": "s", "user_id": "u", "conversation_id": "c", "woken_at_ms": 1}
    try:
        handle(wake, Deps(server, tracer), lambda: 900_000)
    except OSError:
        assert fails
    assert tracer.flushes == 1
    assert FLUSH_TRACES_S <= 1
