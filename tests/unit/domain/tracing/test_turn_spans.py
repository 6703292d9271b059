from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.session.turn_timing import ToolTiming, TurnTiming
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming, StepKind
from repartee.domain.tracing.spans import Span, SpanKind, Trace
from repartee.domain.tracing.turn_spans import (
    WOKEN_FOR_TURN_MS,
    TurnFacts,
    question_context,
    turn_context,
    turn_spans,
    wake_context,
)

pytestmark = pytest.mark.unit

T = 1_796_083_200_000
CALL = "turn#00000003/1"
TIMING = TurnTiming(
    session_id="s1",
    turn=3,
    epoch=2,
    woken_at_ms=T - 300,
    leased_at_ms=T - 100,
    live_opening_at_ms=T - 50,
    live_ready_at_ms=T + 250,
    started_at_ms=T,
    input_received_at_ms=T + 1_500,
    input_ended_at_ms=T + 1_600,
    model_began_at_ms=T + 1_900,
    audio_received_at_ms=T + 3_800,
    audio_posted_at_ms=T + 3_850,
    ended_at_ms=T + 6_000,
    tools=(ToolTiming(CALL, T + 2_000, T + 3_500, "done"),),
)
STEPS = (
    AgentStep(StepKind.MODEL, "gemini-3.8-flash", T + 2_200, T + 2_700, 900, 40),
    AgentStep(StepKind.TOOL, "book", T + 2_700, T + 2_720, error_type="failed"),
    AgentStep(StepKind.MODEL, "gemini-3.8-flash", T + 2_720, T + 3_300, 990, 30),
)
FACTS = TurnFacts(
    "c1",
    "gemini-3.8-live",
    Bill(TokenUsage(10, 200, 0, 300), Decimal("0.004")),
    Bill(TokenUsage(1_900, 200, 70, 300), Decimal("0.0065")),
    {CALL: AgentTiming(T + 2_100, T + 3_400, STEPS)},
    wake_context("s1", T - 300),
)


def tree(trace: Trace) -> list[tuple[int, str, str, int, int]]:
    """Return depth, function, name, start and end of each span."""
    depths: dict[str, int] = {"": -1}
    found = []
    for span in trace:
        depths[span.context.span_id] = depth = depths[span.parent_id] + 1
        found.append((depth, span.function, span.name, span.started_ms - T, span.ended_ms - T))
    return found


def named(trace: Trace, name: str) -> Span:
    (found,) = (span for span in trace if span.name == name)
    return found


def test_a_turn_with_all_its_parts_is_one_tree():
    assert tree(turn_spans(TIMING, FACTS)) == [
        (0, "stream_agent", "turn", -300, 6_000),
        (1, "message", "receive input", 0, 1_500),
        (1, "message", "wake worker", -300, -100),
        (1, "stream_agent", "open live session", -50, 250),
        (1, "stream_agent", "chat gemini-3.8-live", 1_600, 6_000),
        (2, "stream_agent", "post first audio", 3_800, 3_850),
        (2, "stream_agent", "execute_tool ask_core_agent", 2_000, 3_500),
        (3, "core_agent", "invoke_agent core_agent", 2_100, 3_400),
        (4, "core_agent", "chat gemini-3.8-flash", 2_200, 2_700),
        (4, "core_agent", "execute_tool book", 2_700, 2_720),
        (4, "core_agent", "chat gemini-3.8-flash", 2_720, 3_300),
    ]


def test_ids_are_unique_and_those_that_other_functions_have_logged():
    trace = turn_spans(TIMING, FACTS)

    assert len({span.context.span_id for span in trace}) == len(trace)
    assert {span.context.trace_id for span in trace} == {
        FACTS.waker.trace_id if FACTS.waker else ""
    }
    assert named(trace, "wake worker").context == FACTS.waker
    root = turn_context("s1", 3, FACTS.waker)
    assert trace[0].context == root
    asked = named(trace, "execute_tool ask_core_agent")
    assert asked.context == question_context(root, CALL)


def test_spans_name_models_tools_tokens_and_failures():
    trace = turn_spans(TIMING, FACTS)

    assert trace[0].attributes == {
        "gen_ai.conversation.id": "c1",
        "repartee.session.id": "s1",
        "repartee.turn": 3,
        "repartee.epoch": 2,
        "gen_ai.usage.input_tokens": 2_100,
        "gen_ai.usage.output_tokens": 370,
        "repartee.cost_usd": 0.0065,
    }
    live = named(trace, "chat gemini-3.8-live")
    assert live.kind is SpanKind.CLIENT
    assert live.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-3.8-live",
        "gen_ai.conversation.id": "c1",
        "gen_ai.usage.input_tokens": 210,
        "gen_ai.usage.output_tokens": 300,
        "repartee.first_output_ms": 300,
        "repartee.first_audio_ms": 2_200,
    }
    book = named(trace, "execute_tool book")
    assert book.attributes == {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "book"}
    assert (book.error_type, live.error_type) == ("failed", "")


def test_a_worker_that_was_ready_before_the_user_spoke_is_no_part_of_the_turn():
    early = T - WOKEN_FOR_TURN_MS - 1
    timing = replace(
        TIMING,
        woken_at_ms=early - 500,
        leased_at_ms=early,
        live_opening_at_ms=early,
        live_ready_at_ms=early,
    )

    assert [name for _, _, name, _, _ in tree(turn_spans(timing, FACTS))[:3]] == [
        "turn",
        "receive input",
        "chat gemini-3.8-live",
    ]


def test_a_later_turn_of_a_worker_has_a_trace_of_its_own():
    timing = replace(
        TIMING, woken_at_ms=None, leased_at_ms=None, live_opening_at_ms=None, live_ready_at_ms=None
    )

    trace = turn_spans(timing, replace(FACTS, waker=None))

    assert trace[0].started_ms == T
    assert trace[0].context == turn_context("s1", 3, None) != turn_context("s1", 4, None)


def test_a_greeting_has_no_input_and_a_silent_turn_no_reply():
    greeting = replace(
        TIMING,
        woken_at_ms=None,
        leased_at_ms=None,
        live_ready_at_ms=None,
        input_received_at_ms=None,
        input_ended_at_ms=None,
        tools=(),
    )
    silent = replace(
        greeting, model_began_at_ms=None, audio_received_at_ms=None, audio_posted_at_ms=None
    )

    assert tree(turn_spans(greeting, FACTS)) == [
        (0, "stream_agent", "turn", 0, 6_000),
        (1, "stream_agent", "chat gemini-3.8-live", 1_900, 6_000),
        (2, "stream_agent", "post first audio", 3_800, 3_850),
    ]
    assert tree(turn_spans(silent, FACTS)) == [(0, "stream_agent", "turn", 0, 6_000)]


def test_a_reply_without_sound_posts_no_audio():
    shown = replace(TIMING, audio_received_at_ms=None, audio_posted_at_ms=None)

    trace = turn_spans(shown, FACTS)

    assert "post first audio" not in [span.name for span in trace]
    assert "repartee.first_audio_ms" not in named(trace, "chat gemini-3.8-live").attributes


def test_no_span_is_outside_of_its_parent_though_clocks_differ_and_answers_are_late():
    skewed = AgentTiming(T + 1_000, T + 9_000, (replace(STEPS[0], started_ms=T, ended_ms=T + 1),))
    late = ToolTiming("turn#00000003/2", T + 5_900, T + 7_000, "failed")
    pending = ToolTiming("turn#00000003/3", T + 5_950)
    timing = replace(TIMING, input_received_at_ms=T - 700, tools=(*TIMING.tools, late, pending))

    trace = turn_spans(timing, replace(FACTS, answers={CALL: skewed}))

    spans = {span.context.span_id: span for span in trace}
    for span in trace[1:]:
        parent = spans[span.parent_id]
        assert parent.started_ms <= span.started_ms <= span.ended_ms <= parent.ended_ms
    asked = [span for span in trace if span.name == "execute_tool ask_core_agent"]
    assert [(span.attributes["repartee.status"], span.error_type) for span in asked] == [
        ("done", ""),
        ("failed", "failed"),
        ("unanswered", ""),
    ]
    assert trace[0].started_ms == T - 700
