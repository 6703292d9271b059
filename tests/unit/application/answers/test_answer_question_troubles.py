"""Questions while a store or the reasoner fails."""

import pytest

from repartee.domain.errors import ItemTooLarge
from repartee.domain.tools.calls import CallKey, CallStatus, CoreAnswer, Exchange
from repartee.ports.reasoner import ReasoningFailed
from tests.fakes.call_store import FakeCallStore
from tests.unit.application.answers.question_bench import AT_THREE, Bench, Down, say_yes

pytestmark = pytest.mark.unit


def test_a_tool_that_changes_something_does_not_run_unless_it_is_noted():
    bench = Bench(lambda request, call: call("book_appointment", **AT_THREE).message or "Booked.")

    answered = bench.use_case(calls=Down(bench.calls, "begin_tool"))(bench.request())

    assert bench.desk.bookings("u1") == []
    assert (answered.answer.status, answered.answer.retryable) == (CallStatus.FAILED, True)


def test_looking_something_up_needs_no_note():
    bench = Bench(lambda request, call: f"{call('free_slots', date='2026-11-20').status}")

    answered = bench.use_case(calls=Down(bench.calls, "begin_tool"))(bench.request())

    assert answered.answer == CoreAnswer(CallStatus.DONE, "done")


class TooLarge:
    """A store that keeps no messages."""

    def __init__(self, working: FakeCallStore) -> None:
        self._working = working

    def __getattr__(self, name):
        return getattr(self._working, name)

    def finish(self, conversation_id, exchange):
        if exchange.messages_json != "[]":
            raise ItemTooLarge("messages_json", 400_000, 300_000)
        self._working.finish(conversation_id, exchange)


def test_an_answer_whose_messages_are_too_large_is_stored_without_them_and_says_so():
    bench = Bench(say_yes)

    answered = bench.use_case(calls=TooLarge(bench.calls))(bench.request())

    assert answered.trouble == "messages_too_large"
    assert answered.answer == CoreAnswer(CallStatus.DONE, "Yes.")
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
    bench = Bench(ReasoningFailed(reason, retryable=retryable))

    answered = bench.ask()

    assert answered.answer.status is CallStatus.FAILED
    assert answered.answer.retryable is retryable
    assert answered.answer.answer.endswith(".")
    assert answered.trouble == reason
    assert bench.ask().answer == answered.answer
    assert len(bench.reasoner.requests) == 1


def test_calls_that_cannot_be_claimed_are_not_run():
    bench = Bench(say_yes)

    answered = bench.use_case(calls=Down(bench.calls, "claim"))(bench.request())

    assert (answered.answer.status, answered.answer.retryable) == (CallStatus.FAILED, True)
    assert bench.reasoner.requests == []


def test_memory_out_of_reach_is_a_failure_that_can_be_spoken():
    bench = Bench(say_yes)

    answered = bench.use_case(conversations=Down(None, "load_memory"))(bench.request())

    assert (answered.answer.status, answered.trouble) == (CallStatus.FAILED, "store_unavailable")
    assert isinstance(bench.calls.load("c1", CallKey(3, 1)), Exchange)


def test_an_answer_that_cannot_be_stored_is_given_all_the_same():
    bench = Bench(say_yes)

    answered = bench.use_case(calls=Down(bench.calls, "finish"))(bench.request())

    assert answered.answer == CoreAnswer(CallStatus.DONE, "Yes.")
    assert answered.trouble == "not_stored"
