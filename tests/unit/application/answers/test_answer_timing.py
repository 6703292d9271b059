from dataclasses import replace

import pytest

from repartee.domain.tools.core_calls import CoreRequest
from repartee.domain.tracing.agent_timing import AgentTiming
from repartee.ports.answers import ReasoningFailed, ReasoningRequest
from tests.fakes.clock import NOON_MS
from tests.fakes.reasoner import CallTool
from tests.unit.application.answers.answer_question_harness import AT_THREE, AnswerQuestionHarness

pytestmark = pytest.mark.unit

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def traced(bench: AnswerQuestionHarness) -> CoreRequest:
    return replace(bench.request(), traceparent=TRACEPARENT)


def timing_of(bench: AnswerQuestionHarness) -> AgentTiming:
    timing = bench.ask(traced(bench)).answer.timing
    assert timing is not None
    return timing


def test_a_traced_answer_has_the_time_of_each_model_call_and_tool():
    def book(_request: ReasoningRequest, call: CallTool) -> str:
        bench.clock.advance(400)
        call("book", **AT_THREE)
        bench.clock.advance(300)
        return "It is booked."

    bench = AnswerQuestionHarness(book)

    timing = timing_of(bench)

    assert (timing.started_ms, timing.ended_ms) == (NOON_MS, NOON_MS + 700)
    steps = [(step.kind, step.name, step.started_ms - NOON_MS) for step in timing.steps]
    assert steps == [("model", "fake", 0), ("tool", "book", 400)]


def test_a_failed_answer_has_its_time_and_the_type_of_a_tools_failure():
    def crash(_request: ReasoningRequest, call: CallTool) -> str:
        call("book", **AT_THREE)
        raise ReasoningFailed("deadline", retryable=True)

    bench = AnswerQuestionHarness(crash)
    bench.desk = None  # type: ignore[assignment]  # every use of it is a fault

    steps = timing_of(bench).steps

    assert [(step.name, step.error_type) for step in steps] == [
        ("fake", ""),
        ("book", "AttributeError"),
    ]


def test_neither_an_untraced_nor_a_stored_answer_has_times():
    bench = AnswerQuestionHarness(lambda _request, _call: "Yes.")

    assert bench.ask().answer.timing is None
    timing_of(bench)
    stored = bench.calls.recent("c1", limit=5)
    assert [exchange.answer.timing for exchange in stored] == [None]
    assert timing_of(bench).steps == ()
