from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from repartee.domain.cost.usage import Bill
from repartee.domain.errors import ReparteeError
from repartee.domain.tools.tool import Tool


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
