"""Answers one call of core_agent: claims it, runs the model, stores the exchange, answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from repartee.application.answers.count_model_cost import count_model_cost
from repartee.application.answers.recall import recall
from repartee.application.answers.tool_run_recorder import ToolRunRecorder
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.conversation.turn_bounds import MAX_SPOKEN_CHARACTERS
from repartee.domain.cost.usage import Bill
from repartee.domain.errors import ItemTooLarge, LeaseLost, StoreUnavailable, UserErased
from repartee.domain.persona import Persona
from repartee.domain.phrases import Phrases
from repartee.domain.text.words import visible_part
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, Exchange, ToolCallStatus
from repartee.domain.tools.core_prompt import core_prompt, repeated_turn_note
from repartee.domain.tools.outcome import outcome, words_of_changes
from repartee.domain.tools.tool import Tool, ToolContext
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming
from repartee.ports.answers import (
    Reasoner,
    ReasoningFailed,
    ReasoningRequest,
    ReasoningResult,
    ToolCallClaim,
    ToolCallStore,
)
from repartee.ports.conversations import ConversationReader
from repartee.ports.metrics import Metrics
from repartee.ports.runtime import Clock
from repartee.ports.users import Notes, UsageStore

MAX_QUESTION_CHARACTERS = MAX_SPOKEN_CHARACTERS
"""All speech of one turn can be a question; a typed text is shorter."""
MAX_WAIT_MS = 50_000
"""Longest wait for an answer, whatever the deadline; below the function's timeout, 60 s."""
MAX_RUN_MS = 20_000
"""Longest run of the model and its tools.

A session's worker waits for 25 s. If it dies together with a run, its successor asks 5 s later,
when the lease has expired. It can then take over the claim and has some seconds left for a run.
"""

_ANSWER_MARGIN_MS = 300
"""Time before the deadline for storing the exchange and returning the answer."""
_CLAIM_MARGIN_MS = 5_000
"""How long a claim outlives its run's deadline: a tool may have started just before it."""
_POLL_INTERVAL_S = 0.2
_REMEMBERED_EXCHANGES = 10
MAX_HISTORY_CHARS = 60_000
"""The last exchanges' messages as JSON, about 15,000 tokens; older exchanges are left out."""

# The phrase for the user, by the trouble that prevented an answer.
_PHRASES: dict[str, Callable[[Phrases], str]] = {
    "empty_question": lambda phrases: phrases.not_understood,
    "question_too_long": lambda phrases: phrases.too_long,
    "lease_lost": lambda phrases: phrases.continues_elsewhere,
    "deadline": lambda phrases: phrases.no_answer,
    "too_many_steps": lambda phrases: phrases.no_answer,
    "no_text": lambda phrases: phrases.no_answer,
    "model_refused": lambda phrases: phrases.refused,
    "model_unavailable": lambda phrases: phrases.not_now,
    "store_unavailable": lambda phrases: phrases.not_now,
}


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """An answer, and the facts for the log.

    Attributes:
        repeated: Whether the key had been answered before; then nothing ran.
        trouble: Why there is no good answer, or which write failed; "" for neither.
        tools_called: Names of the tools that ran, in order.
        steps: The time of each model call and tool run, if the turn is traced.
    """

    answer: CoreAnswer
    repeated: bool = False
    trouble: str = ""
    tools_called: tuple[str, ...] = ()
    steps: tuple[AgentStep, ...] = ()

    def log_fields(self) -> dict[str, object]:
        """Return the fields for the log, without the texts of the question and the answer."""
        return {
            "status": self.answer.status.value,
            "repeated": self.repeated,
            "trouble": self.trouble,
            "tools": list(self.tools_called),
            "cost_usd": str(self.answer.bill.cost_usd),
        }


@dataclass(frozen=True, slots=True)
class QuestionAnswerer:
    """Answers core requests, each key once.

    Attributes:
        make_tools: Makes the tools of one request, bound to its context.
        wait: Blocks for that many seconds.
        persona: The business that answers.
        zone: The desk's time zone, for "today" and "three o'clock".
        memory: How much of the past the model's prompt holds.
    """

    calls: ToolCallStore
    conversations: ConversationReader
    notes: Notes
    reasoner: Reasoner
    usage: UsageStore
    metrics: Metrics
    make_tools: Callable[[ToolContext], Sequence[Tool[Any]]]
    clock: Clock
    wait: Callable[[float], object]
    persona: Persona
    zone: ZoneInfo
    memory: MemoryBudget

    def answer(self, request: CoreRequest) -> QuestionResult:
        """Answer once per key; a repetition waits for the first request's answer.

        Every failure becomes an answer that can be spoken. A failed run is stored too, because it
        may have changed something: another try needs a new key.
        """
        started_ms = self.clock.now_ms()
        result = self._answer(request)
        if not request.traceparent:
            return result
        timing = AgentTiming(started_ms, self.clock.now_ms(), result.steps)
        return replace(result, answer=replace(result.answer, timing=timing))

    def _answer(self, request: CoreRequest) -> QuestionResult:
        question = visible_part(request.question)
        if not question:
            return self._refused("empty_question")
        if len(question) > MAX_QUESTION_CHARACTERS:
            return self._refused("question_too_long")
        try:
            return self._claim_and_run(request, question)
        except LeaseLost:
            return self._refused("lease_lost")
        except StoreUnavailable:
            return self._failed("store_unavailable")

    def _claim_and_run(self, request: CoreRequest, question: str) -> QuestionResult:
        now_ms = self.clock.now_ms()
        answer_by_ms = min(request.deadline_ms, now_ms + MAX_WAIT_MS) - _ANSWER_MARGIN_MS
        while now_ms < answer_by_ms:
            deadline_ms = min(answer_by_ms, now_ms + MAX_RUN_MS)
            # This claims again instead of reading the answer, so that it takes over a dead run.
            claim = self.calls.claim(
                request, now_ms=now_ms, until_ms=deadline_ms + _CLAIM_MARGIN_MS
            )
            if isinstance(claim, Exchange):
                return QuestionResult(claim.answer, repeated=True)
            if claim is not ToolCallClaim.RUNNING:
                is_repeated = claim is ToolCallClaim.CLAIMED_AGAIN
                return self._run(request, question, deadline_ms, is_repeated=is_repeated)
            self.wait(_POLL_INTERVAL_S)
            now_ms = self.clock.now_ms()
        return self._failed("deadline")

    def _run(
        self, request: CoreRequest, question: str, deadline_ms: int, *, is_repeated: bool
    ) -> QuestionResult:
        messages_json = "[]"
        note = partial(
            self.calls.begin_tool, request.conversation_id, request.key, request.arguments_hash
        )
        recorder = ToolRunRecorder(self.clock, note)
        try:
            result = self._reason(request, question, deadline_ms, recorder, is_repeated=is_repeated)
            messages_json = result.messages_json
            ended = outcome(recorder.ran)
            answered = QuestionResult(
                CoreAnswer(ended.status, result.text, ended.retryable, result.bill),
                tools_called=result.tools_called,
            )
        except ReasoningFailed as failure:
            answered = self._failed(failure.reason, failure.bill, retryable=failure.retryable)
            if done := words_of_changes(recorder.ran, otherwise=answered.answer.answer):
                # The change stands, so the user must hear of it although the model has no words.
                answer = CoreAnswer(ToolCallStatus.DONE, done, bill=failure.bill)
                answered = replace(answered, answer=answer)
        except StoreUnavailable:
            answered = self._failed("store_unavailable")
        if request.traceparent:
            answered = replace(answered, steps=tuple(recorder.steps))
        # The cost is counted before anything else can fail. A later run of this call has another id
        # or a later deadline, because it begins after the end of this run's claim.
        run = f"{_question_id(request)}/{request.run_id}/{deadline_ms}"
        answered = self._count(request, answered, run)
        exchange = Exchange(
            key=request.key,
            arguments_hash=request.arguments_hash,
            question=question,
            answer=answered.answer,
            messages_json=messages_json,
            finished_at_ms=self.clock.now_ms(),
        )
        return self._store(request.conversation_id, exchange, answered)

    def _count(self, request: CoreRequest, answered: QuestionResult, run: str) -> QuestionResult:
        try:
            bill, now_ms = answered.answer.bill, self.clock.now_ms()
            count_model_cost(self.usage, self.metrics, request, run, bill, now_ms)
        except UserErased:
            return replace(answered, trouble="user_erased")
        except StoreUnavailable:
            return replace(answered, trouble="not_counted")
        return answered

    def _store(
        self, conversation_id: str, exchange: Exchange, answered: QuestionResult
    ) -> QuestionResult:
        try:
            try:
                self.calls.finish(conversation_id, exchange)
            except ItemTooLarge:
                # A repetition must find the answer; the messages that led to it are dropped.
                self.calls.finish(conversation_id, replace(exchange, messages_json="[]"))
                return replace(answered, trouble="messages_too_large")
        except StoreUnavailable:
            # The work is done and the user waits, so the answer is returned without its record. A
            # repetition after the claim's end runs again, and the data shows that the work is done.
            return replace(answered, trouble="not_stored")
        return answered

    def _reason(
        self,
        request: CoreRequest,
        question: str,
        deadline_ms: int,
        recorder: ToolRunRecorder,
        *,
        is_repeated: bool,
    ) -> ReasoningResult:
        now = datetime.fromtimestamp(self.clock.now_ms() / 1000, self.zone)
        memory = recall(
            self.conversations, self.notes, request.user_id, request.conversation_id, self.memory
        )
        exchanges = self.calls.recent(request.conversation_id, limit=_REMEMBERED_EXCHANGES)
        language = request.language
        system = [core_prompt(persona=self.persona, now=now, language=language, memory=memory)]
        if is_repeated:
            attempts = self.calls.attempts(request.conversation_id, request.key.turn)
            system.append(repeated_turn_note(attempts))
        context = ToolContext(
            request.user_id, request.conversation_id, now, self.persona.words, language
        )
        return self.reasoner.answer(
            ReasoningRequest(
                system_text="\n\n".join(part for part in system if part),
                history_json=_history(exchanges),
                question=question,
                question_id=_question_id(request),
                deadline_ms=deadline_ms,
                on_step=recorder.steps.append,
            ),
            recorder.record(self.make_tools(context)),
        )

    def _refused(self, trouble: str) -> QuestionResult:
        phrase = _PHRASES[trouble](self.persona.phrases)
        return QuestionResult(CoreAnswer(ToolCallStatus.REFUSED, phrase), trouble=trouble)

    def _failed(
        self, trouble: str, bill: Bill | None = None, *, retryable: bool = True
    ) -> QuestionResult:
        phrase = _PHRASES[trouble](self.persona.phrases)
        answer = CoreAnswer(ToolCallStatus.FAILED, phrase, retryable, bill or Bill())
        return QuestionResult(answer, trouble=trouble)


def _history(exchanges: Sequence[Exchange]) -> tuple[str, ...]:
    """Return the messages of the last exchanges that there is room for, oldest first.

    An exchange is included as a whole or not at all: half of one would have calls without answers.
    """
    included: list[str] = []
    left = MAX_HISTORY_CHARS
    for exchange in reversed(exchanges):
        left -= len(exchange.messages_json)
        if left < 0:
            break
        included.append(exchange.messages_json)
    return tuple(reversed(included))


def _question_id(request: CoreRequest) -> str:
    return f"{request.conversation_id}/{request.key}/{request.arguments_hash[:16]}"
