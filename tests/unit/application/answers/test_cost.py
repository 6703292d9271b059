"""The cost of an answer is counted once for each run, even if no worker waits for it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.tools.core_calls import CoreAnswer, Exchange, ToolCallKey, ToolCallStatus
from repartee.domain.users.preferences import Profile
from repartee.ports.answers import ReasoningFailed
from tests.exchanges import stored_exchange
from tests.fakes.reasoner import FakeReasoner, Mind
from tests.fakes.usage_store import FakeUsageStore
from tests.unit.application.answers.answer_question_harness import (
    AnswerQuestionHarness,
    FailingStore,
    say_yes,
)

pytestmark = pytest.mark.unit


BILL = Bill(TokenUsage(text_in=900, text_out=40), Decimal("0.5"))


def paid(mind: Mind | ReasoningFailed = say_yes) -> AnswerQuestionHarness:
    bench = AnswerQuestionHarness(mind)
    bench.reasoner.bill = BILL
    return bench


def counted(bench: AnswerQuestionHarness) -> Decimal:
    """Return the counted cost, which is the same in the user's day and in the session."""
    day = sum((used.cost_usd for used in bench.tables.usage.values()), Decimal(0))
    assert bench.tables.states["s1"].cost_usd == day
    return day


def test_the_cost_of_a_repeated_question_is_counted_once():
    bench = paid()

    answers = [bench.ask().answer for _ in range(3)]

    assert counted(bench) == BILL.cost_usd
    (used,) = bench.tables.usage.values()
    assert (used.turns, used.tokens) == (0, BILL.usage)
    assert {answer.bill for answer in answers} == {BILL}


def test_two_questions_and_the_same_one_in_other_words_are_all_counted():
    bench = paid()
    bench.ask(bench.request("is there a slot"))
    bench.ask(bench.request("is there a slot", index=2))
    bench.ask(bench.request("is there a place"))

    assert counted(bench) == 3 * BILL.cost_usd


def test_a_failure_has_cost_too():
    bench = paid(ReasoningFailed("no_text", retryable=True))

    assert bench.ask().trouble == "no_text"

    assert counted(bench) == BILL.cost_usd


def test_an_answer_that_is_no_longer_awaited_is_counted():
    def session_ends(_request, _call):
        state = bench.tables.states["s1"]
        bench.tables.states["s1"] = replace(state, epoch=state.epoch + 1, ended=True)
        return "Yes."

    bench = paid(session_ends)
    bench.ask()

    assert counted(bench) == BILL.cost_usd


def test_a_run_that_outlived_its_claim_and_the_one_that_took_over_are_both_counted():
    bench = paid()
    overtaken = []

    def slow(_request, _call):
        bench.clock.advance(25_000)
        other = bench.use_case(reasoner=FakeReasoner(say_yes, bench.clock, BILL))
        overtaken.append(other.answer(bench.request()))
        return "Too late."

    bench.reasoner = FakeReasoner(slow, bench.clock, BILL)
    late = bench.ask()

    assert [one.answer.answer for one in overtaken] == ["Yes."]
    assert late.trouble == "deadline"
    assert counted(bench) == 2 * BILL.cost_usd


def test_a_run_that_was_killed_once_it_was_counted_and_the_one_in_its_place_are_both_counted():
    class Killed:
        def __getattr__(self, name):
            return getattr(bench.calls, name)

        def finish(self, *_args):
            raise KeyboardInterrupt

    bench = paid()
    first = replace(bench.request(), run_id="run-1")
    with pytest.raises(KeyboardInterrupt):
        bench.use_case(calls=Killed()).answer(first)
    assert counted(bench) == BILL.cost_usd

    # Both may think until the same moment, for the caller waits no longer than before.
    bench.ask(replace(first, run_id="run-2", ended_run_id="run-1"))

    assert len({asked.deadline_ms for asked in bench.reasoner.requests}) == 1
    assert counted(bench) == 2 * BILL.cost_usd


def test_nothing_is_counted_for_a_user_who_was_erased_meanwhile():
    def erased(_request, _call):
        bench.tables.profiles["u1"] = Profile("u1", erased_at_ms=1)
        return "Yes."

    bench = paid(erased)

    assert bench.ask().trouble == "user_erased"
    assert bench.tables.usage == {}


def test_an_answer_that_cannot_be_counted_is_given_and_stored():
    bench = paid()
    usage = FakeUsageStore(bench.tables)
    usage.failing = True

    answered = bench.use_case(usage=usage).answer(bench.request())

    assert answered.answer == CoreAnswer(ToolCallStatus.DONE, "Yes.", bill=BILL)
    assert answered.trouble == "not_counted"
    assert isinstance(stored_exchange(bench.calls, "c1", ToolCallKey(3, 1)), Exchange)


def test_the_cost_of_an_answer_that_cannot_be_stored_is_counted():
    bench = paid()

    bench.use_case(calls=FailingStore(bench.calls, "finish")).answer(bench.request())

    assert counted(bench) == BILL.cost_usd
