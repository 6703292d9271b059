"""Builds the spans of one turn from its times.

The root lasts for the whole turn, and no span outlives it. Times of other machines are moved into
the span that waited for them, because clocks differ by some ms.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from repartee.domain.cost.usage import Bill
from repartee.domain.session.turn_timing import ToolTiming, TurnTiming
from repartee.domain.tools.core_calls import ASK_CORE_AGENT
from repartee.domain.tracing import attributes as names
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming, StepKind
from repartee.domain.tracing.spans import AttributeValue, Span, SpanKind, Trace, TraceContext

WOKEN_FOR_TURN_MS = 2_000
"""A worker that was ready at most this long before a turn counts as woken for it.

Otherwise it was started before the user spoke, and the turn did not wait for it.
"""
MESSAGE, STREAM_AGENT, CORE_AGENT = "message", "stream_agent", "core_agent"
_TURN, _WAKE = "turn", "wake worker"


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """Facts about a turn beside its times.

    Attributes:
        live_model: The name of the live model.
        live_bill: What the live model counted.
        bill: What all models counted.
        answers: The times of core_agent, by call.
        waker: The context of the message that woke the worker; None if it woke it for no turn, or
            for an earlier one.
        error_type: The failure that the user noticed; "" for none.
    """

    conversation_id: str
    live_model: str
    live_bill: Bill
    bill: Bill
    answers: Mapping[str, AgentTiming] = field(default_factory=dict)
    waker: TraceContext | None = None
    error_type: str = ""


def wake_context(session_id: str, woken_at_ms: int) -> TraceContext:
    """Return the context of a wake; a session has one waker at a time."""
    return TraceContext.of(f"{session_id}/woken/{woken_at_ms}", _WAKE)


def turn_context(session_id: str, turn: int, waker: TraceContext | None) -> TraceContext:
    """Return the context of a turn's root.

    Args:
        session_id: The session.
        turn: The number of the turn in its conversation.
        waker: The context of the message that woke the worker, for its first turn.
    """
    return TraceContext.of(f"{session_id}/{turn}", _TURN) if waker is None else waker.child(_TURN)


def question_context(turn: TraceContext, call: str) -> TraceContext:
    """Return the context of a question to core_agent in a turn."""
    return turn.child(call)


def turn_spans(timing: TurnTiming, facts: TurnFacts) -> Trace:
    """Return the spans of a turn, each after its parent."""
    return tuple(_TurnSpans(timing, facts).spans())


class _TurnSpans:
    def __init__(self, timing: TurnTiming, facts: TurnFacts):
        self._timing = timing
        self._facts = facts
        context = turn_context(timing.session_id, timing.turn, facts.waker)
        self._is_woken = _is_late(timing.leased_at_ms, timing)
        began = [timing.started_at_ms, timing.input_received_at_ms]
        began += [timing.woken_at_ms] if self._is_woken else []
        self._root = Span(
            context,
            "",
            _TURN,
            STREAM_AGENT,
            SpanKind.SERVER,
            min(ms for ms in began if ms is not None),
            timing.ended_at_ms,
            {
                names.CONVERSATION_ID: facts.conversation_id,
                names.SESSION_ID: timing.session_id,
                names.TURN: timing.turn,
                names.EPOCH: timing.epoch,
                names.INPUT_TOKENS: facts.bill.usage.tokens_in,
                names.OUTPUT_TOKENS: facts.bill.usage.tokens_out,
                names.COST_USD: float(facts.bill.cost_usd),
            },
            facts.error_type,
        )

    def spans(self) -> Iterator[Span]:
        """Yield the spans."""
        timing, root = self._timing, self._root
        yield root
        if timing.input_received_at_ms is not None:
            began_ms = min(timing.started_at_ms, timing.input_received_at_ms)
            ended_ms = timing.input_received_at_ms
            yield _child(root, "receive input", MESSAGE, SpanKind.SERVER, began_ms, ended_ms)
        if self._is_woken and timing.woken_at_ms is not None and timing.leased_at_ms is not None:
            yield self._wake(timing.woken_at_ms, timing.leased_at_ms)
        opening_ms, ready_ms = timing.live_opening_at_ms, timing.live_ready_at_ms
        if opening_ms is not None and ready_ms is not None and _is_late(ready_ms, timing):
            model = self._model_attributes()
            name, kind = "open live session", SpanKind.CLIENT
            yield _child(root, name, STREAM_AGENT, kind, opening_ms, ready_ms, model)
        yield from self._chat()

    def _wake(self, woken_ms: int, leased_ms: int) -> Span:
        return _child(
            self._root,
            _WAKE,
            MESSAGE,
            SpanKind.INTERNAL,
            woken_ms,
            leased_ms,
            context=self._facts.waker,
        )

    def _chat(self) -> Iterator[Span]:
        timing, usage = self._timing, self._facts.live_bill.usage
        began_ms = timing.input_ended_at_ms
        began_ms = timing.model_began_at_ms if began_ms is None else began_ms
        if began_ms is None:
            return
        facts: dict[str, AttributeValue] = {
            **self._model_attributes(),
            names.OPERATION: names.CHAT,
            names.CONVERSATION_ID: self._facts.conversation_id,
            names.INPUT_TOKENS: usage.tokens_in,
            names.OUTPUT_TOKENS: usage.tokens_out,
        }
        for name, at_ms in (
            (names.FIRST_OUTPUT_MS, timing.model_began_at_ms),
            (names.FIRST_AUDIO_MS, timing.audio_received_at_ms),
        ):
            if at_ms is not None:
                facts[name] = max(0, at_ms - began_ms)
        name = f"{names.CHAT} {self._facts.live_model}"
        chat = _child(
            self._root, name, STREAM_AGENT, SpanKind.CLIENT, began_ms, timing.ended_at_ms, facts
        )
        yield chat
        if timing.audio_received_at_ms is not None and timing.audio_posted_at_ms is not None:
            received_ms, posted_ms = timing.audio_received_at_ms, timing.audio_posted_at_ms
            kind = SpanKind.CLIENT
            yield _child(chat, "post first audio", STREAM_AGENT, kind, received_ms, posted_ms)
        for tool in timing.tools:
            yield from self._question(chat, tool)

    def _question(self, chat: Span, tool: ToolTiming) -> Iterator[Span]:
        ended_ms = self._timing.ended_at_ms if tool.answered_at_ms is None else tool.answered_at_ms
        asked = _child(
            chat,
            f"{names.EXECUTE_TOOL} {ASK_CORE_AGENT}",
            STREAM_AGENT,
            SpanKind.CLIENT,
            tool.asked_at_ms,
            ended_ms,
            {
                names.OPERATION: names.EXECUTE_TOOL,
                names.TOOL_NAME: ASK_CORE_AGENT,
                names.STATUS: tool.status or "unanswered",
            },
            error_type="failed" if tool.status == "failed" else "",
            context=question_context(self._root.context, tool.call),
        )
        yield asked
        answer = self._facts.answers.get(tool.call)
        if answer is not None:
            yield from _agent(asked, answer)

    def _model_attributes(self) -> dict[str, AttributeValue]:
        return {names.PROVIDER: names.GEMINI, names.REQUEST_MODEL: self._facts.live_model}


def _is_late(ready_ms: int | None, timing: TurnTiming) -> bool:
    """Return whether the turn had to wait for what was ready at that time."""
    return ready_ms is not None and ready_ms >= timing.started_at_ms - WOKEN_FOR_TURN_MS


def _agent(asked: Span, timing: AgentTiming) -> Iterator[Span]:
    agent = _child(
        asked,
        f"{names.INVOKE_AGENT} {CORE_AGENT}",
        CORE_AGENT,
        SpanKind.SERVER,
        timing.started_ms,
        timing.ended_ms,
        {names.OPERATION: names.INVOKE_AGENT, names.AGENT_NAME: CORE_AGENT},
    )
    yield agent
    for index, step in enumerate(timing.steps):
        yield _step(agent, step, index)


def _step(agent: Span, step: AgentStep, index: int) -> Span:
    if step.kind is StepKind.MODEL:
        name, kind = f"{names.CHAT} {step.name}", SpanKind.CLIENT
        facts: dict[str, AttributeValue] = {
            names.OPERATION: names.CHAT,
            names.PROVIDER: names.GEMINI,
            names.REQUEST_MODEL: step.name,
            names.INPUT_TOKENS: step.tokens_in,
            names.OUTPUT_TOKENS: step.tokens_out,
        }
    else:
        name, kind = f"{names.EXECUTE_TOOL} {step.name}", SpanKind.INTERNAL
        facts = {names.OPERATION: names.EXECUTE_TOOL, names.TOOL_NAME: step.name}
    return _child(
        agent,
        name,
        CORE_AGENT,
        kind,
        step.started_ms,
        step.ended_ms,
        facts,
        error_type=step.error_type,
        context=agent.context.child(f"{agent.context.span_id}/{index}"),
    )


def _child(
    parent: Span,
    name: str,
    function: str,
    kind: SpanKind,
    started_ms: int,
    ended_ms: int,
    attributes: Mapping[str, AttributeValue] | None = None,
    *,
    error_type: str = "",
    context: TraceContext | None = None,
) -> Span:
    """Return a span inside of its parent's time."""
    started_ms = min(max(started_ms, parent.started_ms), parent.ended_ms)
    return Span(
        context or parent.context.child(f"{parent.context.span_id}/{name}"),
        parent.context.span_id,
        name,
        function,
        kind,
        started_ms,
        min(max(ended_ms, started_ms), parent.ended_ms),
        attributes or {},
        error_type,
    )
