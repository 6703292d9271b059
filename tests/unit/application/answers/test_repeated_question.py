"""A question that is asked again, after an answer, beside a run or behind one that died."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import time

import pytest

from repartee.domain.front_desk.bookings import Slot
from repartee.domain.tools.core_calls import ToolCallStatus
from tests.fakes.reasoner import FakeReasoner
from tests.unit.application.answers.answer_question_harness import (
    AT_THREE,
    TODAY,
    AnswerQuestionHarness,
    book_at_three,
    say_yes,
)

pytestmark = pytest.mark.unit


class Stopped:
    """Thinks until its tool has run, and is stopped there as a killed process is."""

    def __call__(self, _request, call):
        call("book", **AT_THREE)
        raise KeyboardInterrupt


def test_the_same_call_again_gets_the_stored_answer_and_nothing_runs():
    bench = AnswerQuestionHarness(book_at_three)
    first = bench.ask(bench.request("Book me in at three."))

    again = bench.ask(bench.request("book me in  at three."))

    assert again.answer == first.answer
    assert again.repeated
    assert len(bench.reasoner.requests) == 1
    assert len(bench.desk.bookings("u1")) == 1


def test_the_same_place_in_other_words_is_thought_through_again_knowing_what_was_done():
    bench = AnswerQuestionHarness(book_at_three)
    first = bench.ask(bench.request("book me in at three"))

    again = bench.ask(bench.request("I would like to come at three"))

    assert again.answer.answer == first.answer.answer
    assert not again.repeated
    assert [booking.slot for booking in bench.desk.bookings("u1")] == [Slot(TODAY, time(15))]
    prompt = bench.reasoner.requests[1].system_text
    assert "This turn was cut off and is being repeated" in prompt
    assert "- Asked: book me in at three\n" in prompt
    assert '  Begun: book {"date":"2026-11-20","time":"15:00","reason":""}\n' in prompt
    assert f"  Answer: {first.answer.answer}" in prompt
    assert "This turn was cut off" not in bench.reasoner.requests[0].system_text


def test_the_next_run_gets_the_tool_of_a_run_that_was_cut_off():
    bench = AnswerQuestionHarness(Stopped())
    with pytest.raises(KeyboardInterrupt):
        bench.ask(bench.request("book me in at three"))
    assert len(bench.desk.bookings("u1")) == 1

    bench.reasoner = FakeReasoner(book_at_three, bench.clock)
    bench.clock.advance(25_000)
    again = bench.ask(bench.request("I would like to come at three"))

    assert again.answer.status is ToolCallStatus.DONE
    assert len(bench.desk.bookings("u1")) == 1
    prompt = bench.reasoner.requests[0].system_text
    assert "book" in prompt
    assert "the outcome is unknown" in prompt


def test_a_concurrent_repetition_waits_for_the_first_ones_answer():
    bench = AnswerQuestionHarness(book_at_three)
    bench.reasoner.may_answer.clear()
    waiting = threading.Event()

    def wait(_duration_s):
        waiting.set()
        bench.reasoner.may_answer.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.use_case().answer, bench.request())
        assert bench.reasoner.thinking.wait(5)
        second = pool.submit(bench.use_case(wait=wait).answer, bench.request())
        answers = [first.result(10).answer, second.result(10).answer]

    assert waiting.is_set()
    assert answers[0] == answers[1]
    assert len(bench.reasoner.requests) == 1
    assert len(bench.desk.bookings("u1")) == 1


def test_a_repetition_gives_up_at_its_deadline():
    bench = AnswerQuestionHarness(say_yes)
    bench.calls.claim(
        bench.request(), now_ms=bench.clock.now_ms(), until_ms=bench.clock.now_ms() + 99_000
    )

    answered = bench.ask()

    assert answered.answer.status is ToolCallStatus.FAILED
    assert answered.answer.retryable
    assert answered.trouble == "deadline"
    assert 19 <= sum(bench.waits) <= 20
    assert bench.reasoner.requests == []


def test_a_claim_whose_run_died_is_taken_over_when_it_expires():
    bench = AnswerQuestionHarness(say_yes)
    bench.calls.claim(
        bench.request(), now_ms=bench.clock.now_ms(), until_ms=bench.clock.now_ms() + 1_000
    )

    assert bench.ask().answer.answer == "Yes."
    assert 1 <= sum(bench.waits) < 1.5


def test_a_worker_that_knows_that_a_run_was_killed_gets_its_outcome_at_once():
    bench = AnswerQuestionHarness(Stopped())
    first = replace(bench.request("book me in at three"), run_id="run-1")
    with pytest.raises(KeyboardInterrupt):
        bench.ask(first)
    bench.reasoner = FakeReasoner(book_at_three, bench.clock)

    answered = bench.ask(replace(first, run_id="run-2", ended_run_id="run-1"))

    assert answered.answer.status is ToolCallStatus.DONE
    assert bench.waits == []
    assert len(bench.desk.bookings("u1")) == 1
    assert "the outcome is unknown" in bench.reasoner.requests[0].system_text


def test_when_core_agent_and_its_worker_die_together_the_repetition_has_time_to_think():
    bench = AnswerQuestionHarness(Stopped())
    first = bench.request("book me in at three")
    waited_for_ms = 25_000
    with pytest.raises(KeyboardInterrupt):
        bench.ask(replace(first, deadline_ms=bench.clock.now_ms() + waited_for_ms))
    # The lease of a worker that has just renewed it runs out before another worker takes over.
    bench.clock.advance(5_000)
    bench.tables.states["s1"] = replace(bench.tables.states["s1"], epoch=5)
    bench.reasoner = FakeReasoner(book_at_three, bench.clock)
    again = replace(first, epoch=5, deadline_ms=bench.clock.now_ms() + waited_for_ms)

    answered = bench.ask(again)

    assert answered.answer.status is ToolCallStatus.DONE
    assert len(bench.desk.bookings("u1")) == 1
    # The clock stands still while the reasoner thinks.
    assert bench.reasoner.requests[0].deadline_ms - bench.clock.now_ms() >= 4_000
