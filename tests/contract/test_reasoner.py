"""The contract of Reasoner, on the fake and on LangChain with a scripted model."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from repartee.adapters.langchain.middleware import PricedModel
from repartee.adapters.langchain.reasoner import LangchainReasoner, ReasonerLimits, gemini_model
from repartee.config import PRICE_LIST
from repartee.domain.tools.tool import Tool, ToolResult, ToolStatus
from repartee.domain.tracing.agent_timing import AgentStep, StepKind
from repartee.ports.answers import Reasoner, ReasoningFailed, ReasoningRequest
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.reasoner import CallTool, FakeReasoner
from tests.integration.scripted_gemini import call, say, serving

pytestmark = pytest.mark.contract


class AddArguments(BaseModel):
    amount: Annotated[int, Field(ge=1)]


class Counter:
    """A tool that counts, and its current count."""

    def __init__(self) -> None:
        self.total = 0
        self.tool = Tool("add", "Add an amount.", AddArguments, self._run)

    def _run(self, arguments: AddArguments) -> ToolResult:
        self.total += arguments.amount
        return ToolResult(ToolStatus.DONE, fields={"total": self.total})


type Made = Callable[[list[int], str], Reasoner]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["fake", "langchain"])
def made(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Made]:
    """Make a reasoner that adds each amount, then says a text."""

    def fake(amounts: list[int], text: str) -> Reasoner:
        def mind(_request: ReasoningRequest, call_tool: CallTool) -> str:
            for amount in amounts:
                call_tool("add", amount=amount)
            return text

        return FakeReasoner(mind, clock)

    def real(amounts: list[int], text: str) -> Reasoner:
        steps = [[call("add", amount=amount)] for amount in amounts]
        gemini = open_servers.enter_context(serving([*steps, say(text)]))
        chat = gemini_model("gemini-3.8-flash", "made-up-key", gemini.base_url)
        model = PricedModel(chat, PRICE_LIST.quote("gemini-3.8-flash", date(2026, 11, 22)).prices)
        return LangchainReasoner(model, clock, ReasonerLimits(retry_delay_s=0))

    with ExitStack() as open_servers:
        yield fake if request.param == "fake" else real


def _request(*history: str, question_id: str = "c1/1") -> ReasoningRequest:
    return ReasoningRequest(
        system_text="You count.",
        history_json=history,
        question="go on",
        question_id=question_id,
        deadline_ms=NOON_MS + 20_000,
    )


def test_the_text_is_the_answer(made: Made) -> None:
    result = made([], "Nothing to add.").answer(_request(), [])

    assert result.text == "Nothing to add."
    assert result.tools_called == ()


def test_tools_run_in_order_and_are_named(made: Made) -> None:
    counter = Counter()

    result = made([2, 3], "Five.").answer(_request(), [counter.tool])

    assert counter.total == 5
    assert result.tools_called == ("add", "add")


def test_invalid_arguments_do_not_run_the_tool_and_the_model_continues(made: Made) -> None:
    counter = Counter()

    result = made([0, 4], "Four.").answer(_request(), [counter.tool])

    assert counter.total == 4
    assert result.text == "Four."


def test_a_tool_that_crashes_has_failed_and_the_model_continues(made: Made) -> None:
    def crash(_arguments: AddArguments) -> ToolResult:
        raise OverflowError("date value out of range")

    broken = Tool("add", "Add an amount.", AddArguments, crash)

    result = made([4], "I could not add that.").answer(_request(), (broken,))

    assert (result.text, result.tools_called) == ("I could not add that.", ("add",))


def test_the_messages_of_one_question_are_the_history_of_the_next(made: Made) -> None:
    counter = Counter()
    reasoner = made([2], "Two.")
    first = reasoner.answer(_request(), [counter.tool])

    second = reasoner.answer(_request(first.messages_json, question_id="c1/2"), [counter.tool])

    assert second.text == "Two."
    assert "c1/1" in first.messages_json
    assert "c1/2" in second.messages_json
    assert "c1/1" not in second.messages_json


def test_each_model_call_is_reported_with_its_time(made: Made, clock: FakeClock) -> None:
    steps: list[AgentStep] = []

    made([], "Yes.").answer(replace(_request(), on_step=steps.append), [])

    (step,) = steps
    assert (step.kind, step.error_type) == (StepKind.MODEL, "")
    assert step.started_ms == step.ended_ms == clock.now_ms()


@pytest.mark.parametrize("nothing", ["", "\u200b"])
def test_an_empty_reply_is_a_temporary_failure(made: Made, nothing: str) -> None:
    with pytest.raises(ReasoningFailed) as failed:
        made([], nothing).answer(_request(), [])

    assert (failed.value.reason, failed.value.retryable) == ("no_text", True)


def test_nothing_starts_after_the_deadline(made: Made, clock: FakeClock) -> None:
    counter = Counter()
    clock.advance(20_000)

    with pytest.raises(ReasoningFailed) as failed:
        made([1], "One.").answer(_request(), [counter.tool])

    assert (failed.value.reason, failed.value.retryable) == ("deadline", True)
    assert counter.total == 0
