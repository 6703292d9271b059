"""Ports of answers and summaries: core_agent, its calls and its language model."""

from collections.abc import Callable, Sequence
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
from repartee.domain.tracing.agent_timing import AgentStep


class CoreAgent(Protocol):
    """Answers questions that need data; it runs in another function."""

    def ask(self, request: CoreRequest) -> CoreAnswer:
        """Wait for the answer, at most until the request's deadline.

        Raises:
            CoreAgentFailed: core_agent could not be reached, failed, or took too long.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReasoningRequest:
    """One question and its context.

    Attributes:
        system_text: The system prompt: the role, the manner, and the facts about the user.
        history_json: ``ReasoningResult.messages_json`` of earlier questions, oldest first.
        question_id: The unique id of the question's message.
        deadline_ms: Unix time in ms; no model call and no tool starts after it.
        on_step: Called after each model call, also after one that failed.
    """

    system_text: str
    history_json: tuple[str, ...]
    question: str
    question_id: str
    deadline_ms: int
    on_step: Callable[[AgentStep], object] = lambda _step: None


@dataclass(frozen=True, slots=True)
class ReasoningResult:
    """The result of a question.

    Attributes:
        text: The answer, not empty.
        messages_json: The messages that this question added, as a JSON array. The reasoner reads
            them again, with every field that the model's provider needs.
        tools_called: Names of the tools that ran, in order.
        bill: The usage and cost that the model calls reported.
    """

    text: str
    messages_json: str
    tools_called: tuple[str, ...] = ()
    bill: Bill = field(default_factory=Bill)


class ReasoningFailed(ReparteeError):
    """No answer was found.

    Attributes:
        retryable: Whether asking again may succeed.
        reason: One of ``deadline``, ``too_many_steps``, ``no_text``, ``model_unavailable``,
            ``model_refused``; for logs.
        bill: The usage and cost of the model calls before the failure.
    """

    def __init__(self, reason: str, *, retryable: bool, bill: Bill | None = None):
        super().__init__(f"no answer: {reason}")
        self.reason = reason
        self.retryable = retryable
        self.bill = bill or Bill()


class Reasoner(Protocol):
    """Answers questions with a language model and tools; keeps no state between questions."""

    def answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        """Think, call tools, and answer.

        Raises:
            ReasoningFailed: There is no answer; tools may have run.
        """
        ...


class ToolCallClaim(Enum):
    """The result of claiming a call's key."""

    CLAIMED = auto()
    CLAIMED_AGAIN = auto()
    RUNNING = auto()


class ToolCallStore(Protocol):
    """Stores core_agent's calls by key, so that none runs twice.

    A call is identified by its place in the turn and by its question. One call at a time runs at
    a place: if a replayed turn asks another question there, it waits for the earlier one.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def claim(
        self, request: CoreRequest, *, now_ms: int, until_ms: int
    ) -> Exchange | ToolCallClaim:
        """Claim the call's key before any model runs.

        Returns:
            CLAIMED if this caller has to run it. CLAIMED_AGAIN if, in addition, the place was run
            before, with another question or without an end: see ``attempts``. RUNNING while
            another run has the place. The stored exchange if the same question was answered. A
            claim can be taken over after its ``until_ms``, or if the request names its run as
            ended.

        Raises:
            LeaseLost: The session's epoch has moved on from the request's.
        """
        ...

    def attempts(self, conversation_id: str, turn: int) -> Sequence[Attempt]:
        """Return the questions of a turn and the tools that they began, oldest place first.

        They include a run that has not ended.
        """
        ...

    def begin_tool(
        self, conversation_id: str, key: ToolCallKey, arguments_hash: str, tool: BegunTool
    ) -> None:
        """Record that the claimed call is about to run a tool that may change something.

        Raises:
            ClaimLost: Another run has the claim, or it is deleted; the tool must not run.
        """
        ...

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        """Store the answer under the claimed key; a second answer for a key is dropped.

        An answer is also dropped if its key is not claimed, or is claimed for another question.

        Raises:
            ItemTooLarge: The exchange is larger than an item may be; nothing is written.
        """
        ...

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        """Return the last finished exchanges, oldest first.

        If a place was run twice, both exchanges are included.
        """
        ...


class SummaryRequests(Protocol):
    """Requests summaries, which are written in the background."""

    def ask(self, request: SummaryRequest) -> None:
        """Queue a run; a return does not mean that it has ended or will end.

        Raises:
            StoreUnavailable: The run could not be queued.
        """
        ...
