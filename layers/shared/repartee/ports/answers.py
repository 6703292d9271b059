"""Ports of answers and summaries: core_agent, its calls and its language model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol

from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.cost.usage import Bill
from repartee.domain.errors import ReparteeError
from repartee.domain.tools.core_calls import (
    Attempt,
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
)
from repartee.domain.tools.tool import Tool


class CoreAgent(Protocol):
    """Answers questions that need data, in another function."""

    def ask(self, request: CoreRequest) -> CoreAnswer:
        """Wait for the answer, at most until the request's deadline.

        Raises:
            CoreAgentFailed: It could not be reached, failed, or took too long.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReasoningRequest:
    """One question with all that is known when it is asked.

    Attributes:
        system_text: Who answers, how, and what is known of the user.
        history_json: ``ReasoningResult.messages_json`` of earlier questions, oldest first.
        question_id: Names the question's message; unlike in any other question.
        deadline_ms: Unix time in ms; no model call and no tool starts after it.
    """

    system_text: str
    history_json: tuple[str, ...]
    question: str
    question_id: str
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class ReasoningResult:
    """What came of it.

    Attributes:
        text: The answer, not empty.
        messages_json: The messages that this question added, as the reasoner reads them again:
            a JSON array, with all that the model's provider wants to see again.
        tools_called: Names of the tools that ran, in order.
        bill: What the model calls used and cost, as far as it was reported.
    """

    text: str
    messages_json: str
    tools_called: tuple[str, ...] = ()
    bill: Bill = field(default_factory=Bill)


class ReasoningFailed(ReparteeError):
    """No answer came of it.

    Attributes:
        retryable: Whether asking again may succeed.
        reason: One of ``deadline``, ``too_many_steps``, ``no_text``, ``model_unavailable``,
            ``model_refused``; for logs.
        bill: What the model calls used and cost before it failed.
    """

    def __init__(self, reason: str, *, retryable: bool, bill: Bill | None = None):
        super().__init__(f"no answer: {reason}")
        self.reason = reason
        self.retryable = retryable
        self.bill = bill or Bill()


class Reasoner(Protocol):
    """Answers questions with a language model and tools; keeps nothing between them."""

    def answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        """Think, call tools, and answer.

        Raises:
            ReasoningFailed: It came to nothing; tools may have run all the same.
        """
        ...


class ToolCallClaim(Enum):
    """What became of asking for a call's key."""

    CLAIMED = auto()
    CLAIMED_AGAIN = auto()
    RUNNING = auto()


class ToolCallStore(Protocol):
    """Remembers core_agent's calls by key, so that none runs twice.

    A call is named by its place in the turn and by what it asks. At one place only one runs at a
    time: a replayed turn that asks in other words waits for what the turn before asked there.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def claim(
        self, request: CoreRequest, *, now_ms: int, until_ms: int
    ) -> Exchange | ToolCallClaim:
        """Claim the call's key before any model runs.

        Returns:
            CLAIMED when this caller is to run it; CLAIMED_AGAIN when moreover this place was run
            before, in other words or not to its end, see ``attempts``; RUNNING while another run
            has the place; the stored exchange when the same was asked and is done. A claim past
            its ``until_ms``, or of the run that the request names as ended, may be claimed anew.

        Raises:
            LeaseLost: The request's epoch is not the session's any more.
        """
        ...

    def attempts(self, conversation_id: str, turn: int) -> Sequence[Attempt]:
        """Return what was asked and begun in a turn, oldest place first.

        A run that is still going on is among them, as far as it has come.
        """
        ...

    def begin_tool(
        self, conversation_id: str, key: ToolCallKey, arguments_hash: str, tool: BegunTool
    ) -> None:
        """Note that the claimed call is about to run a tool that may change something.

        Raises:
            ClaimLost: The claim is another's, or gone; the tool must not run.
        """
        ...

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        """Store the answer under the claimed key; a second answer for a key is dropped.

        So is the answer to a key that nobody claimed, that is claimed for another question
        meanwhile, or whose claim was erased.

        Raises:
            ItemTooLarge: It is more than an item may hold; nothing is written.
        """
        ...

    def load(self, conversation_id: str, key: ToolCallKey) -> Exchange | None:
        """Return the place's newest exchange, or None while that is not finished."""
        ...

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        """Return the last finished exchanges, oldest first.

        Where a place was run twice, both are among them.
        """
        ...


class SummaryRequests(Protocol):
    """Has conversations summed up while they go on."""

    def ask(self, request: SummaryRequest) -> None:
        """Queue a run; returning does not mean that it is done, or will be.

        Raises:
            StoreUnavailable: The run could not be queued.
        """
        ...
