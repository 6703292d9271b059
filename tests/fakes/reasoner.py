import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from repartee.domain.cost.usage import Bill
from repartee.domain.text.characters import is_visible
from repartee.domain.tools.tool import OUT_OF_REACH, Tool, ToolResult, ToolStatus
from repartee.domain.tracing.agent_timing import AgentStep, StepKind
from repartee.ports.answers import ReasoningFailed, ReasoningRequest, ReasoningResult
from tests.fakes.clock import FakeClock

_PATIENCE_S = 10.0

type CallTool = Callable[..., ToolResult]
"""Calls a tool by name, with arguments by keyword."""
type Mind = Callable[[ReasoningRequest, CallTool], str]


class FakeReasoner:
    """Answers with a function of the test, which may call the given tools.

    Attributes:
        bill: The cost of each question, answered or not.
        requests: The questions.
        thinking: Set as soon as a question has arrived.
        may_answer: Clear it to hold answers back until it is set.
    """

    def __init__(
        self,
        mind: Mind | ReasoningFailed,
        clock: FakeClock | None = None,
        bill: Bill | None = None,
    ) -> None:
        self._mind = mind
        self.bill = bill or Bill()
        self._clock = clock or FakeClock()
        self.requests: list[ReasoningRequest] = []
        self.thinking = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        try:
            return replace(self._answer(request, tools), bill=self.bill)
        except ReasoningFailed as failure:
            failure.bill = failure.bill or self.bill
            raise

    def _answer(self, request: ReasoningRequest, tools: Sequence[Tool[Any]]) -> ReasoningResult:
        self.requests.append(request)
        self.thinking.set()
        now_ms = self._clock.now_ms()
        request.on_step(AgentStep(StepKind.MODEL, "fake", now_ms, now_ms))
        if not self.may_answer.wait(_PATIENCE_S) or self._is_late(request):
            raise ReasoningFailed("deadline", retryable=True)
        if isinstance(self._mind, ReasoningFailed):
            raise self._mind
        named = {tool.name: tool for tool in tools}
        called: list[str] = []

        def call_tool(name: str, /, **arguments: object) -> ToolResult:
            called.append(name)
            if self._is_late(request):
                return ToolResult(ToolStatus.FAILED, "Too late.")
            try:
                return named[name].call(arguments)
            except Exception:  # noqa: BLE001 - as the real reasoner, which also logs it
                return OUT_OF_REACH

        text = self._mind(request, call_tool)
        if self._is_late(request):
            raise ReasoningFailed("deadline", retryable=True)
        if not is_visible(text):
            raise ReasoningFailed("no_text", retryable=True)
        added = [
            {"id": request.question_id, "question": request.question},
            {"called": called},
            {"answer": text},
        ]
        return ReasoningResult(text, json.dumps(added), tuple(called))

    def _is_late(self, request: ReasoningRequest) -> bool:
        return self._clock.now_ms() >= request.deadline_ms
