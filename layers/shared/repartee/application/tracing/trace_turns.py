"""Posts the spans of a lease's turns."""

from dataclasses import dataclass, field

from repartee.domain.cost.usage import Bill
from repartee.domain.session.effects import CommitTurn
from repartee.domain.session.state import SessionState
from repartee.domain.session.turn_timing import TurnTiming
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.domain.tracing.agent_timing import AgentTiming
from repartee.domain.tracing.spans import TraceContext
from repartee.domain.tracing.turn_spans import (
    TurnFacts,
    question_context,
    turn_context,
    turn_spans,
)
from repartee.ports.runtime import Log
from repartee.ports.tracing import Tracer


@dataclass(slots=True)
class TurnTraces:
    """Collects what spans need beside a turn's times; does nothing without tracing.

    Attributes:
        tracer: Posts the traces.
        log: Gets a line about a turn that cannot be traced.
        state: The session's state at the start of the lease.
        live_model: The name of the live model.
        first_turn: The number of the lease's first turn, whose trace begins with the wake.
        waker: The trace context of the wake; None without one.
    """

    tracer: Tracer
    log: Log
    state: SessionState
    live_model: str
    first_turn: int
    waker: TraceContext | None
    _answers: dict[ToolCallKey, AgentTiming] = field(default_factory=dict)

    def traceparent_of(self, key: ToolCallKey) -> str:
        """Return the trace context for a question to core_agent, "" without tracing."""
        if not self.tracer.is_on:
            return ""
        turn = turn_context(self.state.session_id, key.turn, self._waker_of(key.turn))
        return question_context(turn, str(key)).traceparent

    def note_answer(self, key: ToolCallKey, timing: AgentTiming | None) -> None:
        """Keep the times of core_agent until the turn is committed."""
        if self.tracer.is_on and timing is not None:
            self._answers[key] = timing

    def post(self, timing: TurnTiming, commit: CommitTurn, *, is_unanswered: bool) -> None:
        """Post the spans of a committed turn; a fault in them does not concern the session."""
        if not self.tracer.is_on:
            return
        keys = [key for key in self._answers if key.turn <= timing.turn]
        answers = {str(key): self._answers.pop(key) for key in keys}
        bill = Bill(commit.turn.usage, commit.turn.cost_usd)
        facts = TurnFacts(
            self.state.conversation_id,
            self.live_model,
            bill - commit.core_bill,
            bill,
            answers,
            self._waker_of(timing.turn),
            "no_answer" if is_unanswered else "",
        )
        try:
            self.tracer.post(turn_spans(timing, facts))
        except Exception as error:  # noqa: BLE001 - the turn is committed, and the call goes on
            fields = {"session_id": timing.session_id, "turn": timing.turn, "epoch": timing.epoch}
            kind = type(error).__name__
            self.log.warning("turn not traced", extra={**fields, "error": kind})

    def _waker_of(self, turn: int) -> TraceContext | None:
        return self.waker if turn == self.first_turn else None
