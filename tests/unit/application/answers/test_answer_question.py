"""How a question is answered: refusals, the input of the reasoner, and its time."""

import json
from dataclasses import replace
from datetime import time
from zoneinfo import ZoneInfo

import pytest

from repartee.application.answers.answer_question import MAX_HISTORY_CHARS, QuestionResult
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.conversation.turn_bounds import MAX_SPOKEN_CHARACTERS
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.protocol.messages import MAX_TEXT_CHARACTERS
from repartee.domain.tools.core_calls import CoreAnswer, Exchange, ToolCallKey, ToolCallStatus
from tests.exchanges import stored_exchange
from tests.unit.application.answers.answer_question_harness import (
    AT_THREE,
    TODAY,
    AnswerQuestionHarness,
    book_at_three,
    say_yes,
)

pytestmark = pytest.mark.unit


def test_a_question_is_answered_and_its_exchange_stored_under_its_key():
    bench = AnswerQuestionHarness(say_yes)

    answered = bench.ask()

    assert answered == QuestionResult(CoreAnswer(ToolCallStatus.DONE, "Yes."))
    stored = stored_exchange(bench.calls, "c1", ToolCallKey(3, 1))
    assert stored is not None
    assert stored.question == "is there a slot"
    assert stored.answer == answered.answer
    assert json.loads(stored.messages_json)[-1] == {"answer": "Yes."}


def test_an_answer_is_refused_when_its_tool_refused():
    bench = AnswerQuestionHarness(lambda _request, call: f"All {call('book', **AT_THREE).status}!")
    bench.desk.book("u2", Slot(TODAY, time(15)), reason="", booked_at_ms=bench.clock.now_ms())

    answered = bench.ask()

    assert (answered.answer.status, answered.answer.retryable) == (ToolCallStatus.REFUSED, False)


def test_the_history_holds_the_last_whole_exchanges_that_fit():
    bench = AnswerQuestionHarness(say_yes)
    sizes = [MAX_HISTORY_CHARS, 20, MAX_HISTORY_CHARS - 20]
    for index, size in enumerate(sizes, start=1):
        asked = bench.request(f"question {index}", index=index)
        bench.calls.claim(asked, now_ms=0, until_ms=1)
        answer = CoreAnswer(ToolCallStatus.DONE, "Yes.")
        bench.calls.finish(
            "c1", Exchange(asked.key, asked.arguments_hash, "?", answer, "x" * size, index)
        )

    bench.ask(bench.request(index=4))

    assert [len(text) for text in bench.reasoner.requests[0].history_json] == sizes[1:]


def test_two_calls_of_one_turn_are_two_questions():
    bench = AnswerQuestionHarness(lambda request, _call: f"You asked: {request.question}")

    bench.ask(bench.request("first", index=1))
    second = bench.ask(bench.request("second", index=2))

    assert second.answer.answer == "You asked: second"


def test_a_worker_that_lost_its_lease_is_refused_before_any_model_runs():
    bench = AnswerQuestionHarness(book_at_three)

    answered = bench.ask(bench.request(epoch=3))

    assert answered.answer.status is ToolCallStatus.REFUSED
    assert answered.trouble == "lease_lost"
    assert bench.reasoner.requests == []


@pytest.mark.parametrize(
    ("question", "trouble"),
    [
        ("", "empty_question"),
        ("  \n", "empty_question"),
        ("\u200b \u2060", "empty_question"),
        ("x" * 15_001, "question_too_long"),
    ],
)
def test_a_question_that_cannot_be_used_is_refused_with_a_sentence(question, trouble):
    bench = AnswerQuestionHarness(say_yes)

    answered = bench.ask(bench.request(question))

    assert answered.answer.status is ToolCallStatus.REFUSED
    assert answered.answer.answer.endswith(".")
    assert answered.trouble == trouble
    assert bench.tables.calls == {}


@pytest.mark.parametrize("character", ["x", "\U0001f600"])
@pytest.mark.parametrize("most", [MAX_TEXT_CHARACTERS, MAX_SPOKEN_CHARACTERS])
def test_a_question_may_be_as_long_as_what_a_turn_holds(character, most):
    bench = AnswerQuestionHarness(say_yes)

    assert bench.ask(bench.request(character * most)).answer.status is ToolCallStatus.DONE


def test_a_question_past_its_deadline_is_not_begun():
    bench = AnswerQuestionHarness(say_yes)
    request = bench.request()
    bench.clock.advance(20_000)

    answered = bench.ask(request)

    assert (answered.answer.status, answered.trouble) == (ToolCallStatus.FAILED, "deadline")
    assert bench.tables.calls == {}


def test_the_reasoner_gets_the_turns_and_the_earlier_exchanges():
    bench = AnswerQuestionHarness(say_yes)
    bench.tables.conversations["u1", "c1"] = Conversation("u1", "c1", "", 0, 0, turn_count=1)
    bench.tables.turns["c1"] = {1: Turn(1, "s1", 0, 1, heard="hello my name is robert")}
    bench.ask(bench.request("first", index=1))

    bench.ask(bench.request("second", index=2))

    request = bench.reasoner.requests[1]
    assert "hello my name is robert" in request.system_text
    assert [json.loads(text)[0]["question"] for text in request.history_json] == ["first"]
    assert request.question == "second"


def test_the_reasoner_has_to_end_before_the_callers_deadline():
    bench = AnswerQuestionHarness(say_yes)
    request = bench.request()

    bench.ask(request)

    assert 0 < request.deadline_ms - bench.reasoner.requests[0].deadline_ms <= 1_000


def test_no_run_is_given_more_than_the_function_has():
    bench = AnswerQuestionHarness(say_yes)
    request = replace(bench.request(), deadline_ms=bench.clock.now_ms() + 3_600_000)

    bench.ask(request)

    assert bench.reasoner.requests[0].deadline_ms - bench.clock.now_ms() < 60_000


def test_tools_act_for_the_user_of_the_request():
    bench = AnswerQuestionHarness(book_at_three)

    bench.ask()

    assert [booking.slot for booking in bench.desk.bookings("u1")] == [Slot(TODAY, time(15))]


def test_the_reasoner_and_the_tools_get_the_time_at_the_desk():
    bench = AnswerQuestionHarness(say_yes)
    contexts = []

    def make_tools(context):
        contexts.append(context)
        return ()

    zone = ZoneInfo("Asia/Kolkata")
    bench.use_case(zone=zone, make_tools=make_tools).answer(bench.request())

    # Noon in UTC.
    time = "Today is Friday 2026-11-20 and the time is 17:30 in Asia/Kolkata, the time zone of"
    assert time in bench.reasoner.requests[0].system_text
    assert f"{contexts[0].now:%H:%M} {contexts[0].now.tzinfo}" == "17:30 Asia/Kolkata"
