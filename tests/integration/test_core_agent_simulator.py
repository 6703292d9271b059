"""core_agent against the Gemini simulator, which knows the tools only by their descriptions."""

import time as machine_time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.adapters.langchain.middleware import PricedModel, ThinkingLevel
from repartee.adapters.langchain.reasoner import LangchainReasoner, gemini_model
from repartee.application.answers import summarise_conversation
from repartee.application.answers.answer_question import QuestionAnswerer
from repartee.config import PRICE_LIST
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.session.state import SessionState
from repartee.domain.tools.core_calls import (
    CoreRequest,
    ToolCallKey,
    ToolCallStatus,
    arguments_hash,
)
from repartee.ports.answers import ReasoningRequest
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.metrics import FakeMetrics
from tests.fakes.notes import FakeNotes
from tests.fakes.tables import FakeTables
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.fakes.tool_stores import fake_tool_stores
from tests.fakes.usage_store import FakeUsageStore
from tests.integration.simulator_process import SimulatorProcess, running_simulator
from tests.personas import FRONT_DESK

pytestmark = pytest.mark.integration

ZONE = ZoneInfo("Europe/London")
MODEL = "gemini-3.8-flash"
OTHER = "gemini-3.5-flash-lite"
# The fakes' clock is at noon on Friday the 20th.
MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
OPEN = OpeningHours(time(9), time(17))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    with running_simulator(tmp_path_factory.mktemp("gemini"), "--decoders", "1") as running:
        yield running


@dataclass(slots=True)
class Caller:
    """A user who asks several questions in one conversation."""

    use_case: QuestionAnswerer
    asked: int = 0

    def ask(
        self, question: str, ends: ToolCallStatus = ToolCallStatus.DONE, within_ms: int = 20_000
    ) -> str:
        self.asked += 1
        request = CoreRequest(
            user_id="ann",
            conversation_id="c1",
            session_id="s1",
            epoch=1,
            key=ToolCallKey(self.asked, 1),
            arguments_hash=arguments_hash("ask_core_agent", question),
            question=question,
            language="en-US",
            deadline_ms=self.use_case.clock.now_ms() + within_ms,
        )
        answered = self.use_case.answer(request)
        assert answered.answer.status is ends, answered
        return answered.answer.answer


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk({MONDAY: OPEN, TUESDAY: OPEN}, ZONE)


@pytest.fixture
def caller(simulator: SimulatorProcess, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setenv("SSL_CERT_FILE", simulator.ca_file)
    return make_caller(simulator, desk, FakeTables())


def make_caller(
    simulator: SimulatorProcess, desk: FakeDesk, tables: FakeTables, fallback: str = ""
) -> Caller:
    tables.states["s1"] = SessionState("s1", "ann", "c1", connection_id="k", epoch=1)
    return Caller(
        QuestionAnswerer(
            calls=FakeToolCallStore(tables),
            conversations=FakeConversationStore(tables),
            notes=FakeNotes(tables),
            usage=FakeUsageStore(tables),
            metrics=FakeMetrics(),
            reasoner=make_reasoner(simulator, tables, fallback),
            make_tools=partial(make_tools, fake_tool_stores(tables, desk=desk)),
            clock=tables.clock,
            wait=lambda duration_s: tables.clock.advance(int(duration_s * 1000)),
            persona=FRONT_DESK,
            zone=ZONE,
            memory=MemoryBudget(),
        )
    )


def make_reasoner(
    simulator: SimulatorProcess,
    tables: FakeTables,
    fallback: str = "",
    model: str = MODEL,
    thinking: ThinkingLevel | None = None,
) -> LangchainReasoner:
    def priced(name: str) -> PricedModel:
        chat = gemini_model(name, "made-up-key", simulator.base_url)
        return PricedModel(chat, PRICE_LIST.quote(name, date(2026, 11, 22)).prices)

    other = priced(fallback) if fallback else None
    return LangchainReasoner(priced(model), tables.clock, fallback=other, thinking=thinking)


def _slots(desk: FakeDesk) -> list[Slot]:
    return [booking.slot for booking in desk.bookings("ann")]


def test_an_appointment_is_booked_found_moved_and_cancelled(caller: Caller, desk: FakeDesk) -> None:
    booked = caller.ask("Book an appointment to see the doctor on Monday at 3 in the afternoon.")
    assert _slots(desk) == [Slot(MONDAY, time(15))]
    assert "3 p.m." in booked

    found = caller.ask("When is my appointment?")
    assert "Monday" in found
    assert "3 p.m." in found

    moved = caller.ask("Move my appointment from Monday at 3 p.m. to Tuesday at 10 a.m.")
    assert _slots(desk) == [Slot(TUESDAY, time(10))]
    assert "10 a.m." in moved

    cancelled = caller.ask("Cancel my appointment on Tuesday at 10 a.m.")
    assert _slots(desk) == []
    assert "cancelled" in cancelled


def test_a_replayed_turn_in_other_words_books_nothing_new(caller: Caller, desk: FakeDesk) -> None:
    first = caller.ask("Book an appointment to see the doctor on Monday at 3 in the afternoon.")
    (booking,) = desk.bookings("ann")

    caller.asked -= 1  # the same turn once more
    again = caller.ask("I want to make an appointment on Monday at 3 p.m., please.")

    assert again == first
    assert list(desk.bookings("ann")) == [booking]


def test_a_taken_slot_is_answered_with_others(caller: Caller, desk: FakeDesk) -> None:
    now_ms = caller.use_case.clock.now_ms()
    desk.book("ben", Slot(MONDAY, time(15)), reason="", booked_at_ms=now_ms)

    answer = caller.ask("Book an appointment on Monday at 3 p.m.", ToolCallStatus.REFUSED)

    assert "Somebody else has that time." in answer
    assert "4 p.m." in answer
    assert _slots(desk) == []


def test_an_appointment_is_not_moved_onto_another_one_of_the_same_caller(
    caller: Caller, desk: FakeDesk
) -> None:
    caller.ask("Book an appointment on Monday at 3 p.m.")
    caller.ask("Book an appointment on Monday at 4 p.m.")

    answer = caller.ask(
        "Move my appointment from Monday at 3 p.m. to Monday at 4 p.m.", ToolCallStatus.REFUSED
    )

    assert "You have another appointment at that time already." in answer
    assert _slots(desk) == [Slot(MONDAY, time(15)), Slot(MONDAY, time(16))]
    assert "Which one" in caller.ask("Cancel my appointment on Monday.")
    assert len(_slots(desk)) == 2


def test_a_day_that_is_too_far_ahead_is_refused_with_its_year(
    caller: Caller, desk: FakeDesk
) -> None:
    answer = caller.ask("Book me in on the 6th of December 2062 at 3 p.m.", ToolCallStatus.REFUSED)

    assert "Wednesday the 6th of December 2062 is too far ahead" in answer
    assert _slots(desk) == []


def test_opening_hours_and_free_slots_come_from_the_desk(caller: Caller) -> None:
    assert "9 a.m. to 5 p.m." in caller.ask("When are you open on Monday?")
    assert "11 a.m." in caller.ask("Which slots are free on Monday morning?")


def test_a_fact_is_noted_recalled_and_forgotten(caller: Caller) -> None:
    assert caller.ask("What do you know about me?") == "I have noted nothing about you."
    assert caller.ask("Remember that I like mornings.") == "I will remember that."
    assert caller.ask("What do you know about me?") == "You had me note: I like mornings."
    assert caller.ask("Please forget that I like mornings.") == "I have forgotten that."
    assert caller.ask("What do you know about me?") == "I have noted nothing about you."


@pytest.mark.parametrize("fallback", ["", OTHER])
def test_a_question_with_six_seconds_left_is_answered_by_a_quick_model(
    simulator: SimulatorProcess, caller: Caller, desk: FakeDesk, fallback: str
) -> None:
    hurried = make_caller(simulator, desk, FakeTables(), fallback)

    answer = hurried.ask("When are you open on Monday?", within_ms=6_000)

    assert "9 a.m. to 5 p.m." in answer


def test_a_slow_model_ends_with_an_apology_at_the_deadline(
    simulator: SimulatorProcess, caller: Caller
) -> None:
    simulator.control("faults", {"kind": "slow_rest", "delay_ms": 20_000})
    started_s = machine_time.monotonic()

    answer = caller.ask("When are you open on Monday?", ToolCallStatus.FAILED, within_ms=6_000)

    assert answer == FRONT_DESK.phrases.no_answer
    assert machine_time.monotonic() - started_s < 7


def test_a_fallback_model_answers_within_six_seconds_when_the_first_is_slow(
    simulator: SimulatorProcess, caller: Caller, desk: FakeDesk
) -> None:
    simulator.control("faults", {"kind": "slow_rest", "delay_ms": 20_000})
    started_s = machine_time.monotonic()

    hurried = make_caller(simulator, desk, FakeTables(), fallback=OTHER)
    answer = hurried.ask("When are you open on Monday?", within_ms=6_000)

    assert "9 a.m. to 5 p.m." in answer
    assert machine_time.monotonic() - started_s < 6


@pytest.mark.parametrize(("delay_ms", "trouble"), [(0, ""), (20_000, "deadline")])
def test_a_summary_with_six_seconds_left_is_written_or_given_up_in_time(
    simulator: SimulatorProcess,
    caller: Caller,
    monkeypatch: pytest.MonkeyPatch,
    delay_ms: int,
    trouble: str,
) -> None:
    monkeypatch.setattr(summarise_conversation, "MAX_RUN_MS", 6_000)
    tables = FakeTables()
    store = FakeConversationStore(tables)
    tables.states["s1"] = SessionState("s1", "ann", "c1", connection_id="k", epoch=1)
    tables.conversations["ann", "c1"] = Conversation("ann", "c1", "", 0, 0, turn_count=12)
    tables.turns["c1"] = {
        number: Turn(number, "s1", 0, 0, heard=f"My name is Robert, {number}.".ljust(100, "."))
        for number in range(1, 13)
    }
    reasoner = make_reasoner(simulator, tables)
    simulator.control("faults", {"kind": "slow_rest", "delay_ms": delay_ms})
    started_s = machine_time.monotonic()

    summarised = summarise_conversation.ConversationSummariser(
        store,
        store,
        FakeUsageStore(tables),
        FakeMetrics(),
        reasoner,
        tables.clock,
        MemoryBudget(300),
    ).summarise(SummaryRequest("ann", "c1", "s1"))

    assert summarised.trouble == trouble
    assert (summarised.turns == 0) is bool(trouble)
    assert machine_time.monotonic() - started_s < 7


def test_a_model_without_thinking_levels_answers_without_one(
    simulator: SimulatorProcess, caller: Caller
) -> None:
    refusals: list[str] = []
    tables = FakeTables()
    reasoner = make_reasoner(
        simulator, tables, model="gemini-2.5-flash", thinking=ThinkingLevel("low", refusals.append)
    )

    for name in ("first", "second"):
        question = ReasoningRequest("", (), "Hello.", name, tables.clock.now_ms() + 9_000)
        assert reasoner.answer(question, ()).text

    assert refusals == ["gemini-2.5-flash"]
