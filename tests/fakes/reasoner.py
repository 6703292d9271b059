import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from repartee.domain.tools import Tool
from repartee.ports.reasoner import ReasoningFailed, ReasoningRequest, ReasoningResult

_PATIENCE_S = 10.0

type Mind = Callable[[ReasoningRequest, dict[str, Tool[Any]]], str]


class FakeReasoner:
    """Lets a function of the test do the thinking; it may call the tools that it is given.

    Attributes:
        requests: What was asked.
        thinking: Set as soon as a question has arrived.
        may_answer: Clear it to hold answers back until it is set.
    """

    def __init__(self, mind: Mind | ReasoningFailed) -> None:
        self._mind = mind
        self.requests: list[ReasoningRequest] = []
        self.thinking = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        self.requests.append(request)
        self.thinking.set()
        if not self.may_answer.wait(_PATIENCE_S):
            raise ReasoningFailed("deadline", retryable=True)
        if isinstance(self._mind, ReasoningFailed):
            raise self._mind
        text = self._mind(request, {tool.name: tool for tool in tools})
        return ReasoningResult(text, json.dumps([{"question": request.question, "answer": text}]))
