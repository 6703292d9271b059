"""Questions while a store or the reasoner fails."""

from dataclasses import replace

import pytest

from core_agent.tools.front_desk.book import BookArguments
from repartee.domain.errors import ItemTooLarge
from repartee.domain.tools.core_calls import CoreAnswer, Exchange, ToolCallKey, ToolCallStatus
from repartee.domain.tools.tool import Tool, ToolResult
from repartee.ports.answers import ReasoningFailed, ReasoningRequest
from tests.exchanges import stored_exchange
from tests.fakes.reasoner import CallTool
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.personas import FRONT_DESK
from tests.unit.application.answers.answer_question_harness import (
    AT_THREE,
    AnswerQuestionHarness,
    FailingStore,
    say_yes,
)

pytestmark = pytest.mark.unit


def test_a_tool_that_changes_something_does_not_run_unless_it_is_noted():
    bench = AnswerQuestionHarness(
        lambda request, call: call("book", **AT_THREE).message or "Booked."
    )

    answered = bench.use_case(calls=FailingStore(bench.calls, "begin_tool")).answer(bench.request())

    assert bench.desk.bookings("u1") == []
    assert (answered.answer.status, answered.answer.retryable) == (ToolCallStatus.FAILED, True)


def test_looking_something_up_needs_no_note():
    bench = AnswerQuestionHarness(
        lambda request, call: f"{call('free_slots', date='2026-11-20').status}"
    )

    answered = bench.use_case(calls=FailingStore(bench.calls, "begin_tool")).answer(bench.request())

    assert answered.answer == CoreAnswer(ToolCallStatus.DONE, "done")


class TooLarge:
    """A store that keeps no messages."""

    def __init__(self, working: FakeToolCallStore) -> None:
        self._working = working

    def __getattr__(self, name):
        return getattr(self._working, name)

    def finish(self, conversation_id, exchange):
        if exchange.messages_json != "[]":
            raise ItemTooLarge("messages_json", 400_000, 300_000)
        self._working.finish(conversation_id, exchange)


def test_an_answer_whose_messages_are_too_large_is_stored_without_them_and_says_so():
    bench = AnswerQuestionHarness(say_yes)

    answered = bench.use_case(calls=TooLarge(bench.calls)).answer(bench.request())

    assert answered.trouble == "messages_too_large"
    assert answered.answer == CoreAnswer(ToolCallStatus.DONE, "Yes.")
    assert bench.ask().answer == answered.answer


@pytest.mark.parametrize(
    ("reason", "retryable"),
    [
        ("deadline", True),
        ("too_many_steps", False),
        ("no_text", True),
        ("model_unavailable", True),
        ("model_refused", False),
    ],
)
def test_failed_reasoning_becomes_a_sentence_that_a_repetition_hears_too(reason, retryable):
    bench = AnswerQuestionHarness(ReasoningFailed(reason, retryable=retryable))

    answered = bench.ask()

    assert answered.answer.status is ToolCallStatus.FAILED
    assert answered.answer.retryable is retryable
    assert answered.answer.answer.endswith(".")
    assert answered.trouble == reason
    assert bench.ask().answer == answered.answer
    assert len(bench.reasoner.requests) == 1


@pytest.mark.parametrize(
    "reason", ["deadline", "too_many_steps", "no_text", "model_unavailable", "model_refused"]
)
def test_a_booking_is_mentioned_although_the_model_fails_after_it(reason: str):
    def book_and_fail(request: ReasoningRequest, call: CallTool) -> str:
        call("book", **AT_THREE)
        raise ReasoningFailed(reason, retryable=True)

    bench = AnswerQuestionHarness(book_and_fail)

    answered = bench.ask()

    assert answered.answer == CoreAnswer(
        ToolCallStatus.DONE, "Booked: Friday the 20th of November at 3 p.m."
    )
    assert (answered.trouble, len(bench.desk.bookings("u1"))) == (reason, 1)
    assert bench.ask().answer == answered.answer


def test_what_the_model_could_not_do_before_it_failed_is_mentioned_too():
    def book_and_fail(request: ReasoningRequest, call: CallTool) -> str:
        call("remember_note", text="Likes tea.")
        call("cancel_booking", **AT_THREE)
        raise ReasoningFailed("no_text", retryable=True)

    answered = AnswerQuestionHarness(book_and_fail).ask()

    assert answered.answer.status is ToolCallStatus.DONE
    assert answered.answer.answer == f"I will remember that. {FRONT_DESK.phrases.no_answer}"


def test_a_tool_that_crashes_has_failed_and_the_booking_before_it_is_mentioned():
    def crash(_arguments: BookArguments) -> ToolResult:
        raise OverflowError("date value out of range")

    def book_and_crash(request: ReasoningRequest, call: CallTool) -> str:
        call("book", **AT_THREE)
        call("broken", **AT_THREE)
        raise ReasoningFailed("no_text", retryable=True)

    bench = AnswerQuestionHarness(book_and_crash)
    whole = bench.use_case()
    broken = Tool("broken", "Break.", BookArguments, crash)

    answered = replace(
        whole, make_tools=lambda context: (*whole.make_tools(context), broken)
    ).answer(bench.request())

    assert answered.answer.answer == (
        f"Booked: Friday the 20th of November at 3 p.m. {FRONT_DESK.phrases.no_answer}"
    )


def test_a_refusal_without_words_is_a_failure_that_may_be_asked_again():
    def ask_and_fail(request: ReasoningRequest, call: CallTool) -> str:
        call("cancel_booking", **AT_THREE)
        raise ReasoningFailed("no_text", retryable=True)

    answered = AnswerQuestionHarness(ask_and_fail).ask()

    assert (answered.answer.status, answered.answer.retryable) == (ToolCallStatus.FAILED, True)


def test_calls_that_cannot_be_claimed_are_not_run():
    bench = AnswerQuestionHarness(say_yes)

    answered = bench.use_case(calls=FailingStore(bench.calls, "claim")).answer(bench.request())

    assert (answered.answer.status, answered.answer.retryable) == (ToolCallStatus.FAILED, True)
    assert bench.reasoner.requests == []


def test_memory_out_of_reach_is_a_failure_that_can_be_spoken():
    bench = AnswerQuestionHarness(say_yes)

    answered = bench.use_case(conversations=FailingStore(None, "load_memory")).answer(
        bench.request()
    )

    assert (answered.answer.status, answered.trouble) == (
        ToolCallStatus.FAILED,
        "store_unavailable",
    )
    assert isinstance(stored_exchange(bench.calls, "c1", ToolCallKey(3, 1)), Exchange)


def test_an_answer_that_cannot_be_stored_is_given():
    bench = AnswerQuestionHarness(say_yes)

    answered = bench.use_case(calls=FailingStore(bench.calls, "finish")).answer(bench.request())

    assert answered.answer == CoreAnswer(ToolCallStatus.DONE, "Yes.")
    assert answered.trouble == "not_stored"
