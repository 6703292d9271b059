import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.application.answer_question import MAX_HISTORY_CHARS, Answered, AnswerQuestion
from repartee.domain.calls import (
    CallKey,
    CallStatus,
    CoreAnswer,
    CoreRequest,
    Exchange,
    arguments_hash,
)
from repartee.domain.conversation import Conversation, Profile, Turn
from repartee.domain.desk import OpeningHours, Slot
from repartee.domain.errors import ItemTooLarge, StoreUnavailable
from repartee.domain.memory_budget import MemoryBudget
from repartee.domain.session_state import SessionState
from repartee.domain.usage import Bill, TokenUsage
from repartee.ports.reasoner import ReasoningFailed
from tests.fakes.call_store import FakeCallStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.notes import FakeNotes
from tests.fakes.reasoner import FakeReasoner, Mind
from tests.fakes.tables import FakeTables
from tests.fakes.usage_store import FakeUsageStore

pytestmark = pytest.mark.unit

ZONE = ZoneInfo("Europe/London")
# The day of the fakes' clock, a Friday.
TODAY = date(2026, 11, 20)


class Bench:
    """An ``AnswerQuestion`` on fakes, with the session that asks it."""

    def __init__(self, mind: Mind | ReasoningFailed) -> None:
        self.tables = FakeTables()
        self.clock = self.tables.clock
        self.tables.states["s1"] = SessionState(
            session_id="s1", user_id="u1", conversation_id="c1", connection_id="k1", epoch=4
        )
        self.calls = FakeCallStore(self.tables)
        self.reasoner = FakeReasoner(mind, self.clock)
        self.desk = FakeDesk({TODAY: OpeningHours(time(9), time(17))}, ZONE)
        self.waits: list[float] = []

    def wait(self, duration_s: float) -> None:
        self.waits.append(duration_s)
        self.clock.advance(int(duration_s * 1000))

    def request(
        self, question: str = "is there a slot", *, index: int = 1, epoch: int = 4
    ) -> CoreRequest:
        return CoreRequest(
            user_id="u1",
            conversation_id="c1",
            session_id="s1",
            epoch=epoch,
            key=CallKey(3, index),
            arguments_hash=arguments_hash("ask_core_agent", question),
            question=question,
            language="en-US",
            deadline_ms=self.clock.now_ms() + 20_000,
        )

    def ask(self, request: CoreRequest | None = None) -> Answered:
        return self.use_case()(request or self.request())

    def use_case(self, **changes: Any) -> AnswerQuestion:
        whole = AnswerQuestion(
            calls=self.calls,
            conversations=FakeConversationStore(self.tables),
            notes=FakeNotes(self.tables),
            usage=FakeUsageStore(self.tables),
            reasoner=self.reasoner,
            make_tools=partial(make_tools, self.desk, FakeNotes(self.tables)),
            clock=self.clock,
            wait=self.wait,
            zone=ZONE,
            memory=MemoryBudget(),
        )
        return replace(whole, **changes)


AT_THREE = {"date": "2026-11-20", "time": "15:00"}


class Stopped:
    """Thinks until its tool has run, and is stopped there as a killed process is."""

    def __call__(self, _request, call):
        call("book_appointment", **AT_THREE)
        raise KeyboardInterrupt


def say_yes(_request, _call):
    return "Yes."


def book_at_three(_request, call):
    return call("book_appointment", date="2026-11-20", time="15:00").fields["spoken"]


def test_a_question_is_answered_and_its_exchange_stored_under_its_key():
    bench = Bench(say_yes)

    answered = bench.ask()

    assert answered == Answered(CoreAnswer(CallStatus.DONE, "Yes."))
    stored = bench.calls.load("c1", CallKey(3, 1))
    assert stored is not None
    assert stored.question == "is there a slot"
    assert stored.answer == answered.answer
    assert json.loads(stored.messages_json)[-1] == {"answer": "Yes."}


def test_the_same_call_again_gets_the_stored_answer_and_nothing_runs():
    bench = Bench(book_at_three)
    first = bench.ask(bench.request("Book me in at three."))

    again = bench.ask(bench.request("book me in  at three."))

    assert again.answer == first.answer
    assert again.repeated
    assert len(bench.reasoner.requests) == 1
    assert len(bench.desk.bookings("u1")) == 1


def test_the_same_place_in_other_words_is_thought_through_again_knowing_what_was_done():
    bench = Bench(book_at_three)
    first = bench.ask(bench.request("book me in at three"))

    again = bench.ask(bench.request("I would like to come at three"))

    assert again.answer.answer == first.answer.answer
    assert not again.repeated
    assert [booking.slot for booking in bench.desk.bookings("u1")] == [Slot(TODAY, time(15))]
    told = bench.reasoner.requests[1].system_text
    assert "This turn was cut off and is being repeated" in told
    assert "- Asked: book me in at three\n" in told
    assert '  Begun: book_appointment {"date":"2026-11-20","time":"15:00","reason":""}\n' in told
    assert f"  Answer: {first.answer.answer}" in told
    assert "This turn was cut off" not in bench.reasoner.requests[0].system_text


def test_a_run_that_was_cut_off_after_its_tool_is_told_to_the_next_one():
    bench = Bench(Stopped())
    with pytest.raises(KeyboardInterrupt):
        bench.ask(bench.request("book me in at three"))
    assert len(bench.desk.bookings("u1")) == 1

    bench.reasoner = FakeReasoner(book_at_three, bench.clock)
    bench.clock.advance(25_000)
    again = bench.ask(bench.request("I would like to come at three"))

    assert again.answer.status is CallStatus.DONE
    assert len(bench.desk.bookings("u1")) == 1
    told = bench.reasoner.requests[0].system_text
    assert "book_appointment" in told
    assert "the outcome is unknown" in told


def test_a_tool_that_changes_something_does_not_run_unless_it_is_noted():
    bench = Bench(lambda request, call: call("book_appointment", **AT_THREE).message or "Booked.")

    answered = bench.use_case(calls=Down(bench.calls, "begin_tool"))(bench.request())

    assert bench.desk.bookings("u1") == []
    assert (answered.answer.status, answered.answer.retryable) == (CallStatus.FAILED, True)


def test_looking_something_up_needs_no_note():
    bench = Bench(lambda request, call: f"{call('free_slots', date='2026-11-20').status}")

    answered = bench.use_case(calls=Down(bench.calls, "begin_tool"))(bench.request())

    assert answered.answer == CoreAnswer(CallStatus.DONE, "done")


def test_an_answer_is_refused_when_its_tool_refused_whatever_the_model_says():
    bench = Bench(lambda _request, call: f"All {call('book_appointment', **AT_THREE).status}!")
    bench.desk.book("u2", Slot(TODAY, time(15)), reason="", booked_at_ms=bench.clock.now_ms())

    answered = bench.ask()

    assert (answered.answer.status, answered.answer.retryable) == (CallStatus.REFUSED, False)


def test_the_model_is_told_the_last_exchanges_that_there_is_room_for_and_each_one_whole():
    bench = Bench(say_yes)
    sizes = [MAX_HISTORY_CHARS, 20, MAX_HISTORY_CHARS - 20]
    for index, size in enumerate(sizes, start=1):
        asked = bench.request(f"question {index}", index=index)
        bench.calls.claim(asked, now_ms=0, until_ms=1)
        answer = CoreAnswer(CallStatus.DONE, "Yes.")
        bench.calls.finish(
            "c1", Exchange(asked.key, asked.arguments_hash, "?", answer, "x" * size, index)
        )

    bench.ask(bench.request(index=4))

    assert [len(text) for text in bench.reasoner.requests[0].history_json] == sizes[1:]


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


def test_two_calls_of_one_turn_are_two_questions():
    bench = Bench(lambda request, _call: f"You asked: {request.question}")

    bench.ask(bench.request("first", index=1))
    second = bench.ask(bench.request("second", index=2))

    assert second.answer.answer == "You asked: second"


def test_a_concurrent_repetition_waits_for_the_first_ones_answer():
    bench = Bench(book_at_three)
    bench.reasoner.may_answer.clear()
    waiting = threading.Event()

    def wait(_duration_s):
        waiting.set()
        bench.reasoner.may_answer.set()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(bench.use_case(), bench.request())
        assert bench.reasoner.thinking.wait(5)
        second = pool.submit(bench.use_case(wait=wait), bench.request())
        answers = [first.result(10).answer, second.result(10).answer]

    assert waiting.is_set()
    assert answers[0] == answers[1]
    assert len(bench.reasoner.requests) == 1
    assert len(bench.desk.bookings("u1")) == 1


def test_a_repetition_gives_up_at_its_deadline():
    bench = Bench(say_yes)
    bench.calls.claim(
        bench.request(), now_ms=bench.clock.now_ms(), until_ms=bench.clock.now_ms() + 99_000
    )

    answered = bench.ask()

    assert answered.answer.status is CallStatus.FAILED
    assert answered.answer.retryable
    assert answered.trouble == "deadline"
    assert 19 <= sum(bench.waits) <= 20
    assert bench.reasoner.requests == []


def test_a_claim_whose_run_died_is_taken_over_when_it_expires():
    bench = Bench(say_yes)
    bench.calls.claim(
        bench.request(), now_ms=bench.clock.now_ms(), until_ms=bench.clock.now_ms() + 1_000
    )

    assert bench.ask().answer.answer == "Yes."
    assert 1 <= sum(bench.waits) < 1.5


def test_when_core_agent_and_its_worker_die_together_the_repetition_has_time_to_think():
    bench = Bench(Stopped())
    first = bench.request("book me in at three")
    waited_for_ms = 25_000
    with pytest.raises(KeyboardInterrupt):
        bench.ask(replace(first, deadline_ms=bench.clock.now_ms() + waited_for_ms))
    # The lease of a worker that has just renewed it runs out before anybody takes over.
    bench.clock.advance(5_000)
    bench.tables.states["s1"] = replace(bench.tables.states["s1"], epoch=5)
    bench.reasoner = FakeReasoner(book_at_three, bench.clock)
    again = replace(first, epoch=5, deadline_ms=bench.clock.now_ms() + waited_for_ms)

    answered = bench.ask(again)

    assert answered.answer.status is CallStatus.DONE
    assert len(bench.desk.bookings("u1")) == 1
    # The clock stands still while the reasoner thinks.
    assert bench.reasoner.requests[0].deadline_ms - bench.clock.now_ms() >= 4_000


def test_a_worker_that_lost_its_lease_is_refused_before_any_model_runs():
    bench = Bench(book_at_three)

    answered = bench.ask(bench.request(epoch=3))

    assert answered.answer.status is CallStatus.REFUSED
    assert answered.trouble == "lease_lost"
    assert bench.reasoner.requests == []


@pytest.mark.parametrize(
    ("question", "trouble"),
    [("", "empty_question"), ("  \n", "empty_question"), ("x" * 2_001, "question_too_long")],
)
def test_a_question_that_cannot_be_used_is_refused_with_a_sentence(question, trouble):
    bench = Bench(say_yes)

    answered = bench.ask(bench.request(question))

    assert answered.answer.status is CallStatus.REFUSED
    assert answered.answer.answer.endswith(".")
    assert answered.trouble == trouble
    assert bench.tables.calls == {}


def test_a_question_of_two_thousand_characters_is_answered():
    bench = Bench(say_yes)

    assert bench.ask(bench.request("x" * 2_000)).answer.status is CallStatus.DONE


def test_a_question_past_its_deadline_is_not_begun():
    bench = Bench(say_yes)
    request = bench.request()
    bench.clock.advance(20_000)

    answered = bench.ask(request)

    assert (answered.answer.status, answered.trouble) == (CallStatus.FAILED, "deadline")
    assert bench.tables.calls == {}


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


def test_the_reasoner_is_told_the_turns_and_the_earlier_exchanges():
    bench = Bench(say_yes)
    bench.tables.conversations["u1", "c1"] = Conversation("u1", "c1", "", 0, 0, turn_count=1)
    bench.tables.turns["c1"] = {1: Turn(1, "s1", 0, 1, heard="hello my name is robert")}
    bench.ask(bench.request("first", index=1))

    bench.ask(bench.request("second", index=2))

    request = bench.reasoner.requests[1]
    assert "hello my name is robert" in request.system_text
    assert [json.loads(text)[0]["question"] for text in request.history_json] == ["first"]
    assert request.question == "second"


def test_the_reasoner_has_to_end_before_the_callers_deadline():
    bench = Bench(say_yes)
    request = bench.request()

    bench.ask(request)

    assert 0 < request.deadline_ms - bench.reasoner.requests[0].deadline_ms <= 1_000


def test_no_run_is_given_more_than_the_function_has():
    bench = Bench(say_yes)
    request = replace(bench.request(), deadline_ms=bench.clock.now_ms() + 3_600_000)

    bench.ask(request)

    assert bench.reasoner.requests[0].deadline_ms - bench.clock.now_ms() < 60_000


def test_tools_act_for_the_user_of_the_request():
    bench = Bench(book_at_three)

    bench.ask()

    assert [booking.slot for booking in bench.desk.bookings("u1")] == [Slot(TODAY, time(15))]


class Down:
    """A store out of reach."""

    def __init__(self, working: object, *failing: str) -> None:
        self._working = working
        self._failing = failing

    def __getattr__(self, name):
        if name not in self._failing:
            return getattr(self._working, name)

        def fail(*_args, **_kwargs):
            raise StoreUnavailable("throttled")

        return fail


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


BILL = Bill(TokenUsage(text_in=900, text_out=40), Decimal("0.5"))


def paid(mind: Mind | ReasoningFailed = say_yes) -> Bench:
    bench = Bench(mind)
    bench.reasoner.bill = BILL
    return bench


def counted(bench: Bench) -> Decimal:
    """Return what was counted, the same in the user's day and in the session."""
    day = sum((used.cost_usd for used in bench.tables.usage.values()), Decimal(0))
    assert bench.tables.states["s1"].cost_usd == day
    return day


def test_what_an_answer_cost_is_counted_once_however_often_it_is_asked_for():
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


def test_an_answer_that_nobody_waits_for_any_more_is_counted():
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
        overtaken.append(other(bench.request()))
        return "Too late."

    bench.reasoner = FakeReasoner(slow, bench.clock, BILL)
    late = bench.ask()

    assert [one.answer.answer for one in overtaken] == ["Yes."]
    assert late.trouble == "deadline"
    assert counted(bench) == 2 * BILL.cost_usd


def test_nothing_is_counted_for_a_user_who_was_erased_meanwhile():
    def erased(_request, _call):
        bench.tables.profiles["u1"] = Profile("u1", erased_at_ms=1)
        return "Yes."

    bench = paid(erased)

    assert bench.ask().trouble == "user_erased"
    assert bench.tables.usage == {}


def test_an_answer_that_cannot_be_counted_is_given_and_stored_all_the_same():
    bench = paid()
    usage = FakeUsageStore(bench.tables)
    usage.failing = True

    answered = bench.use_case(usage=usage)(bench.request())

    assert answered.answer == CoreAnswer(CallStatus.DONE, "Yes.", bill=BILL)
    assert answered.trouble == "not_counted"
    assert isinstance(bench.calls.load("c1", CallKey(3, 1)), Exchange)


def test_what_cannot_be_stored_is_counted_all_the_same():
    bench = paid()

    bench.use_case(calls=Down(bench.calls, "finish"))(bench.request())

    assert counted(bench) == BILL.cost_usd
