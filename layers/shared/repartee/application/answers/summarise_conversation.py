"""Folds a conversation's oldest turns into its summary, so that prompts stay short."""

from dataclasses import dataclass

from repartee.application.answers.count_model_cost import count_model_cost
from repartee.domain.conversation.history_budget import MemoryBudget, needs_summary, newest_within
from repartee.domain.conversation.summary import (
    MAX_FOLD_CHARACTERS,
    SUMMARY_INSTRUCTION,
    SummaryFold,
    SummaryRequest,
    oldest_within,
    summary_material,
    truncated_summary,
)
from repartee.domain.cost.usage import Bill
from repartee.domain.errors import StoreUnavailable, UserErased
from repartee.ports.answers import Reasoner, ReasoningFailed, ReasoningRequest
from repartee.ports.conversations import ConversationReader, SummaryWriter
from repartee.ports.metrics import Metric, Metrics
from repartee.ports.runtime import Clock
from repartee.ports.users import UsageStore

MAX_RUN_MS = 50_000
"""No model call starts later; below the function's timeout in template.yaml, 60 s."""
_MAX_TURNS = 100
# Another run has made a newer summary, or there is nothing to summarise any more.
_NO_FAULTS = ("", "overtaken", "user_erased")


@dataclass(frozen=True, slots=True)
class SummaryResult:
    """The result of a request, for the log.

    Attributes:
        turns: How many turns were folded in.
        through: The last turn that the summary covers, as far as this run knows.
        trouble: Why the run stopped early, "" if it folded all turns.
    """

    turns: int
    through: int
    trouble: str = ""

    def log_fields(self, request: SummaryRequest) -> dict[str, object]:
        """Return the fields for the log, without any text of the conversation."""
        return {
            "session_id": request.session_id,
            "turns": self.turns,
            "through": self.through,
            "trouble": self.trouble,
        }


@dataclass(frozen=True, slots=True)
class ConversationSummariser:
    """Summarises the turns that exceed the budget. Of parallel runs, one succeeds."""

    reader: ConversationReader
    summaries: SummaryWriter
    usage: UsageStore
    metrics: Metrics
    reasoner: Reasoner
    clock: Clock
    budget: MemoryBudget

    def summarise(self, request: SummaryRequest) -> SummaryResult:
        """Fold until only the newest turns are left; a failure keeps the earlier folds."""
        result = self._fold_all(request)
        has_failed = result.trouble not in _NO_FAULTS
        self.metrics.record({Metric.SUMMARY_ERRORS: int(has_failed)})
        return result

    def _fold_all(self, request: SummaryRequest) -> SummaryResult:
        deadline_ms = self.clock.now_ms() + MAX_RUN_MS
        folded, through = 0, 0
        try:
            memory = self.reader.load_memory(
                request.user_id, request.conversation_id, max_characters=self.budget.characters
            )
            summary, through = memory.conversation.summary, memory.conversation.summary_through
            if memory.profile.erased_at_ms is not None:
                return SummaryResult(folded, through, "user_erased")
            if not needs_summary(memory, self.budget):
                return SummaryResult(folded, through)
            last = newest_within(memory.turns, self.budget.kept)[0].number - 1
            while through < last:
                fold = self._fold(request, summary, through, last, deadline_ms)
                if fold is None or not self.summaries.fold_summary(fold):
                    return SummaryResult(folded, through, "overtaken")
                folded += fold.through - through
                summary, through = fold.summary, fold.through
        except ReasoningFailed as failure:
            return SummaryResult(folded, through, failure.reason)
        except UserErased:
            return SummaryResult(folded, through, "user_erased")
        except StoreUnavailable:
            return SummaryResult(folded, through, "store_unavailable")
        return SummaryResult(folded, through)

    def _fold(
        self, request: SummaryRequest, summary: str, through: int, last: int, deadline_ms: int
    ) -> SummaryFold | None:
        """Return a summary of the stored summary and the turns after it; None without turns."""
        listed = self.reader.list_turns(
            request.user_id,
            request.conversation_id,
            after=through,
            limit=min(_MAX_TURNS, last - through),
        )
        turns = oldest_within(listed or (), MAX_FOLD_CHARACTERS)
        if not turns:
            return None
        asked = ReasoningRequest(
            system_text=SUMMARY_INSTRUCTION,
            history_json=(),
            question=summary_material(summary, turns),
            question_id=f"{request.conversation_id}/summary/{turns[-1].number}",
            deadline_ms=deadline_ms,
        )
        return SummaryFold(
            request.user_id,
            request.conversation_id,
            through,
            turns[-1].number,
            truncated_summary(self._think(request, asked)),
        )

    def _think(self, request: SummaryRequest, asked: ReasoningRequest) -> str:
        """Return the model's text; the cost is counted first, also after a failure."""
        try:
            result = self.reasoner.answer(asked, ())
        except ReasoningFailed as failure:
            self._count(request, asked, failure.bill)
            raise
        self._count(request, asked, result.bill)
        return result.text

    def _count(self, request: SummaryRequest, asked: ReasoningRequest, bill: Bill) -> None:
        now_ms = self.clock.now_ms()
        run = f"{asked.question_id}/{now_ms}"
        count_model_cost(self.usage, self.metrics, request, run, bill, now_ms)
