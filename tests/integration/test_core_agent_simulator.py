"""core_agent against the Gemini simulator, whose mind knows our tools by their words only."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.adapters.langchain_middleware import PricedModel
from repartee.adapters.langchain_reasoner import LangchainReasoner, gemini_model
from repartee.application.answer_question import AnswerQuestion
from repartee.config import PRICE_LIST
from repartee.domain.calls import CallKey, CallStatus, CoreRequest, arguments_hash
from repartee.domain.desk import OpeningHours, Slot
from repartee.domain.memory_budget import MemoryBudget
from repartee.domain.session_state import SessionState
from tests.fakes.call_store import FakeCallStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.notes import FakeNotes
from tests.fakes.tables import FakeTables
from tests.fakes.usage_store import FakeUsageStore

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
ZONE = ZoneInfo("Europe/London")
# The fakes' clock stands at noon on Friday the 20th.
MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
OPEN = OpeningHours(time(9), time(17))


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A running simulator: its base URL and the authority that clients have to trust."""
    folder = tmp_path_factory.mktemp("gemini")
    command = [sys.executable, "-m", "local.gemini", "--port", "0", "--pace", "instant"]
    places = ["--tls-dir", str(folder / "tls"), "--record-dir", str(folder / "records")]
    process = subprocess.Popen(  # noqa: S603 - our own program
        [*command, *places, "--decoders", "1", "--with-parent"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield f"https://127.0.0.1:{ready['port']}", ready["ca_file"]
    finally:
        process.terminate()
        process.communicate(timeout=20)


@dataclass(slots=True)
class Caller:
    """A user who asks one question after the other in one conversation."""

    use_case: AnswerQuestion
    asked: int = 0

    def ask(self, question: str, ends: CallStatus = CallStatus.DONE) -> str:
        self.asked += 1
        request = CoreRequest(
            user_id="ann",
            conversation_id="c1",
            session_id="s1",
            epoch=1,
            key=CallKey(self.asked, 1),
            arguments_hash=arguments_hash("ask_core_agent", question),
            question=question,
            language="en-US",
            deadline_ms=self.use_case.clock.now_ms() + 20_000,
        )
        answered = self.use_case(request)
        assert answered.answer.status is ends, answered
        return answered.answer.answer


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk({MONDAY: OPEN, TUESDAY: OPEN}, ZONE)


@pytest.fixture
def caller(simulator: tuple[str, str], desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> Caller:
    base_url, ca_file = simulator
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    tables = FakeTables()
    tables.states["s1"] = SessionState("s1", "ann", "c1", connection_id="k", epoch=1)
    chat = gemini_model("gemini-3.8-flash", "made-up-key", base_url)
    model = PricedModel(chat, PRICE_LIST.quote("gemini-3.8-flash", date(2026, 11, 22)).prices)
    return Caller(
        AnswerQuestion(
            calls=FakeCallStore(tables),
            conversations=FakeConversationStore(tables),
            notes=FakeNotes(tables),
            usage=FakeUsageStore(tables),
            reasoner=LangchainReasoner(model, tables.clock),
            make_tools=partial(make_tools, desk, FakeNotes(tables)),
            clock=tables.clock,
            wait=lambda duration_s: tables.clock.advance(int(duration_s * 1000)),
            zone=ZONE,
            memory=MemoryBudget(),
        )
    )


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


def test_a_replayed_turn_in_other_words_books_nothing_new_and_says_the_same(
    caller: Caller, desk: FakeDesk
) -> None:
    first = caller.ask("Book an appointment to see the doctor on Monday at 3 in the afternoon.")
    (booking,) = desk.bookings("ann")

    caller.asked -= 1  # the same turn once more
    again = caller.ask("I want to make an appointment on Monday at 3 p.m., please.")

    assert again == first
    assert list(desk.bookings("ann")) == [booking]


def test_a_taken_slot_is_answered_with_others(caller: Caller, desk: FakeDesk) -> None:
    now_ms = caller.use_case.clock.now_ms()
    desk.book("ben", Slot(MONDAY, time(15)), reason="", booked_at_ms=now_ms)

    answer = caller.ask("Book an appointment on Monday at 3 p.m.", CallStatus.REFUSED)

    assert "Somebody else has that time." in answer
    assert "4 p.m." in answer
    assert _slots(desk) == []


def test_opening_hours_and_free_slots_come_from_the_desk(caller: Caller) -> None:
    assert "9 a.m. to 5 p.m." in caller.ask("When are you open on Monday?")
    assert "11 a.m." in caller.ask("Which slots are free on Monday morning?")


def test_a_fact_is_noted_told_and_forgotten(caller: Caller) -> None:
    assert caller.ask("What do you know about me?") == "I have noted nothing about you."
    assert caller.ask("Remember that I like mornings.") == "I will remember that."
    assert caller.ask("What do you know about me?") == "You had me note: I like mornings."
    assert caller.ask("Please forget that I like mornings.") == "I have forgotten that."
    assert caller.ask("What do you know about me?") == "I have noted nothing about you."
