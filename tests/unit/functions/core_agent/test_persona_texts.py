"""All texts that core_agent gives to models and users, for each persona."""

import ast
import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import CATALOGUE
from repartee.application.answers.answer_question import _PHRASES, MAX_QUESTION_CHARACTERS
from repartee.domain.conversation.conversation import Conversation, Memory, ToolCall, Turn
from repartee.domain.conversation.summary import SUMMARY_INSTRUCTION, summary_material
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import WEEKDAYS, DeskRules, Obstacle, OpeningHours
from repartee.domain.persona import Persona
from repartee.domain.tools.core_calls import Attempt, BegunTool, ToolCallKey, ToolCallStatus
from repartee.domain.tools.core_prompt import core_prompt, repeated_turn_note
from repartee.domain.tools.tool import Tool
from repartee.domain.users.notes import MAX_NOTES, Note
from repartee.domain.users.preferences import Profile
from repartee.ports.answers import ReasoningFailed
from tests.fakes.desk import FakeDesk
from tests.fakes.notes import FakeNotes
from tests.fakes.personas import BARBER, FRONT_DESK, PIZZERIA
from tests.fakes.tool_stores import fake_tool_stores, tool_context
from tests.unit.application.answers.answer_question_harness import (
    AnswerQuestionHarness,
    FailingStore,
)

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[4]
TOOLS = ROOT / "functions/core_agent/tools"
# Tools that are added for a business may name what it offers.
SAMPLES = ("front_desk", "notes")
SAMPLE_SOURCES = [path for folder in SAMPLES for path in (TOOLS / folder).glob("*.py")]
SOURCES = [
    *SAMPLE_SOURCES,
    TOOLS / "arguments.py",
    ROOT / "functions/core_agent/spoken_forms.py",
    *(ROOT / "layers/shared/repartee/adapters/langchain").glob("*.py"),
    *(ROOT / "layers/shared/repartee/application/answers").glob("*.py"),
    *(ROOT / "layers/shared/repartee/domain/tools").glob("*.py"),
    ROOT / "layers/shared/repartee/domain/conversation/summary.py",
]
BUSINESS_WORDS = re.compile(r"\b(?:appointments?|desks?|doctors?|patients?|reception|tables?)\b")
ENGLISH = {"the", "you", "your", "please", "i", "is", "was", "again", "not", "this", "and", "to"}

ZONE = ZoneInfo("Europe/Madrid")
# A Friday.
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=ZONE)
NOW_MS = int(NOW.timestamp() * 1000)
TODAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)


class Tools:
    """The sample tools on fakes.

    Attributes:
        results: All results so far.
    """

    def __init__(self, persona: Persona, language: str = "", **rules: Any) -> None:
        week = dict.fromkeys(WEEKDAYS, OpeningHours(time(9), time(17)))
        fields = {"week": week, "slot_minutes": 60, "closed": ("12-25",), **rules}
        self.desk = FakeDesk(DeskRules(time_zone=ZONE, **fields))
        self.notes = FakeNotes()
        stores = fake_tool_stores(desk=self.desk, notes=self.notes)
        context = tool_context("ann", NOW, persona, language)
        self.made: dict[str, Tool[Any]] = {
            tool.name: tool
            for tool in (make(stores, context) for make in CATALOGUE if _is_sample(make))
        }
        self.results: list[dict[str, Any]] = []

    def call(self, name: str, **arguments: object) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.made[name].call(arguments).to_json())
        self.results.append(result)
        return result

    def book(self, day: object, at: str, reason: str = "") -> dict[str, Any]:
        return self.call("book", date=f"{day}", time=at, reason=reason)

    def move(self, old: str, new: str) -> dict[str, Any]:
        (old_date, old_time), (new_date, new_time) = old.split(), new.split()
        return self.call(
            "move_booking",
            old_date=old_date,
            old_time=old_time,
            new_date=new_date,
            new_time=new_time,
        )


def _is_sample(maker: Any) -> bool:
    return maker.__module__.split(".")[2] in SAMPLES


def results_of(persona: Persona, language: str = "") -> list[dict[str, Any]]:
    """Return results of all sample tools, with each reason why one refuses."""
    tools = Tools(persona, language)
    tools.desk.book("bob", Slot(SATURDAY, time(11)), reason="", booked_at_ms=NOW_MS)
    tools.call("my_bookings")
    for day in (TODAY, "2026-12-25", "2020-01-02", "2099-01-02"):
        tools.call("opening_hours", date=f"{day}")
        tools.call("free_slots", date=f"{day}")
        tools.book(day, "10:00")
    tools.book(SATURDAY, "03:00")
    tools.book(SATURDAY, "11:00")
    tools.book(SATURDAY, "12:00", "first")
    tools.book(SATURDAY, "12:00", "second")
    tools.book(SATURDAY, "13:00")
    tools.move("2026-11-28 12:00", "2026-11-28 13:00")
    tools.move("2026-11-28 12:00", "2026-11-28 12:00")
    tools.move("2026-11-28 12:00", "2026-11-29 09:00")
    tools.move("2026-11-28 16:00", "2026-11-29 10:00")
    tools.call("my_bookings")
    tools.call("cancel_booking", date="2026-11-27", time="10:00")
    tools.call("cancel_booking", date="2026-11-28", time="16:00")
    tools.call("cancel_booking", date="2026-11-28", time="13:00")
    tools.call("cancel_booking", date="tomorrow")
    tools.call("recall_notes")
    tools.call("remember_note", text="\u200b")
    for number in range(MAX_NOTES + 1):
        tools.call("remember_note", text=f"Note {number}")
    tools.call("recall_notes")
    tools.call("forget_note", note="Note 1")
    tools.call("forget_note", note="Note 1")
    few = Tools(persona, language, max_bookings=2, max_bookings_per_day=1)
    few.book(SATURDAY, "09:00")
    few.book(SATURDAY, "10:00")
    few.book("2026-11-30", "09:00")
    few.book("2026-12-01", "09:00")
    one_slot = {"week": {"friday": OpeningHours(time(16), time(17))}}
    full, night = Tools(persona, language, **one_slot), {"friday": OpeningHours(time(20), time(2))}
    full.book(TODAY, "16:00")
    full.call("free_slots", date=f"{TODAY}")
    nights = Tools(persona, language, week=night)
    nights.call("opening_hours", date=f"{TODAY}")
    return [*tools.results, *few.results, *full.results, *nights.results]


def prompts_of(persona: Persona) -> Iterator[str]:
    conversation = Conversation("u", "c", "", 0, 0, summary="Summary.")
    call = ToolCall(ToolCallKey(1, 1), "ask_core_agent", "{}", ToolCallStatus.DONE, "Yes.")
    turn = Turn(1, "s", 0, 1, heard="?", said="Hi", said_is_approximate=True, tool_calls=(call,))
    memory = Memory(conversation, Profile("u"), (turn,), notes=(Note("1", "Tea", 1),))
    yield core_prompt(persona=persona, now=NOW, language=persona.language, memory=memory)
    begun = (BegunTool("book", "{}"),)
    yield repeated_turn_note([Attempt("?", begun), Attempt("?", (), "Yes.")])
    yield SUMMARY_INSTRUCTION
    yield summary_material("", [turn])


def answers_of(persona: Persona) -> dict[str, str]:
    """Return what the user hears for each reason why there is no good answer."""

    def answered(mind: Any, question: str = "?", epoch: int = 4, **stores: Any) -> None:
        harness = AnswerQuestionHarness(mind)
        failing = {name: FailingStore(harness.calls, call) for name, call in stores.items()}
        case = harness.use_case(persona=persona, **failing)
        result = case.answer(harness.request(question, epoch=epoch))
        found[result.trouble] = result.answer.answer

    found: dict[str, str] = {}
    for reason in ("deadline", "too_many_steps", "no_text", "model_unavailable", "model_refused"):
        answered(ReasoningFailed(reason, retryable=True))
    answered(None, question=" ")
    answered(None, question="x" * (MAX_QUESTION_CHARACTERS + 1))
    answered(None, epoch=3)
    answered(None, calls="claim")
    return found


def texts_of(persona: Persona) -> list[str]:
    tools = Tools(persona).made.values()
    return [
        *(tool.description for tool in tools),
        *(json.dumps(tool.arguments.model_json_schema()) for tool in tools),
        *(json.dumps(result, ensure_ascii=False) for result in results_of(persona)),
        *prompts_of(persona),
        *answers_of(persona).values(),
    ]


def test_the_results_below_hold_every_reason_and_status_of_the_tools() -> None:
    results = results_of(FRONT_DESK)

    written = {
        code
        for path in SAMPLE_SOURCES
        for code in re.findall(
            r'(?:"reason": |reason = |return |else )"(\w+_\w+)"', path.read_text()
        )
    }
    codes = written | {obstacle.value for obstacle in Obstacle}
    assert {"own_booking", "nothing_free", "too_many_that_day", "notes_full"} < codes
    assert codes <= {result.get("reason") for result in results}
    assert {result["status"] for result in results} == {"done", "refused", "invalid"}


def test_every_failure_is_said_with_a_phrase_of_the_persona() -> None:
    answers = answers_of(PIZZERIA)

    assert answers == {trouble: phrase(PIZZERIA.phrases) for trouble, phrase in _PHRASES.items()}
    for answer in answers.values():
        assert not ENGLISH & set(re.findall(r"\w+", answer.casefold()))


@pytest.mark.parametrize("persona", [PIZZERIA, BARBER], ids=["pizzeria", "barber"])
def test_no_text_names_what_another_business_offers(persona: Persona) -> None:
    texts = texts_of(persona)

    assert not [text for text in texts if BUSINESS_WORDS.search(text.casefold())]
    assert any(persona.words.booking in text for text in texts)
    assert any(persona.words.bookings in text for text in texts)
    assert any(persona.words.place in text for text in texts)


def test_the_front_desk_speaks_of_appointments() -> None:
    said = " ".join(texts_of(FRONT_DESK))

    assert "Book one appointment for the caller" in said
    assert "The caller has no appointment." in said
    assert "The caller has 1 appointment on Saturday the 28th of November already" in said
    assert "The caller has 2 appointments ahead already" in said
    assert "On Friday the 25th of December, the front desk is closed." in said


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_text_in_the_code_names_what_a_business_offers(path: Path) -> None:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    texts = [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]

    assert not [text for text in texts if BUSINESS_WORDS.search(text.casefold())]


@pytest.mark.parametrize(
    ("persona", "language", "friday", "slot", "closed", "night"),
    [
        (
            PIZZERIA,
            "",
            "viernes, 27 de noviembre",
            "sábado, 28 de noviembre, 12:00",
            "On viernes, 25 de diciembre, la pizzería is closed.",
            "viernes, 20:00 \u2013 sábado, 2:00",
        ),
        (
            BARBER,
            "",
            "Freitag, 27. November",
            "Samstag, 28. November, 12:00",
            "On Freitag, 25. Dezember, der Salon is closed.",
            "Freitag, 20:00 \u2013 Samstag, 02:00",
        ),
        (
            FRONT_DESK,
            "ja-JP",
            "11月27日金曜日",
            "11月28日土曜日 12:00",
            "On 12月25日金曜日, the front desk is closed.",
            "金曜日 20:00\uff5e土曜日 2:00",
        ),
    ],
    ids=["pizzeria", "barber", "front_desk"],
)
def test_days_and_times_come_in_the_language_of_the_answer(
    persona: Persona, language: str, friday: str, slot: str, closed: str, night: str
) -> None:
    results = results_of(persona, language)
    said = json.dumps(results, ensure_ascii=False)

    assert f'"spoken": "{friday}"' in said
    assert f'"spoken": "{slot}"' in said
    assert f"{closed} Offer" in said
    assert f'"message": "Open {night}"' in said
    assert not re.search(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|[ap]\.m\.", said)
