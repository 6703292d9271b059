"""core_agent speaks of what the persona's business offers, in the language of the answer."""

import ast
import re
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.application.answers.answer_question import MAX_QUESTION_CHARACTERS
from repartee.domain.front_desk.rules import DeskRules, OpeningHours
from repartee.domain.persona import Persona
from repartee.ports.answers import ReasoningFailed
from tests.documents import ROOT
from tests.fakes.desk import FakeDesk
from tests.fakes.tool_stores import call_tool, fake_tool_stores, tool_context
from tests.personas import BAKERY, FRONT_DESK, PIZZERIA
from tests.unit.application.answers.answer_question_harness import (
    AnswerQuestionHarness,
    FailingStore,
)

pytestmark = pytest.mark.unit

TOOLS = ROOT / "functions/core_agent/tools"
LAYER = ROOT / "layers/shared/repartee"
# Tools that are added for a business may name what it offers.
SOURCES = [
    *(TOOLS / "front_desk").glob("*.py"),
    *(TOOLS / "notes").glob("*.py"),
    TOOLS / "arguments.py",
    ROOT / "functions/core_agent/spoken_forms.py",
    *(LAYER / "adapters/langchain").glob("*.py"),
    *(LAYER / "application/answers").glob("*.py"),
    *(LAYER / "domain/tools").glob("*.py"),
    LAYER / "domain/conversation/summary.py",
]
BUSINESS_WORDS = re.compile(r"\b(?:appointments?|desks?|doctors?|patients?|reception|tables?)\b")
ZONE = ZoneInfo("Europe/Madrid")
# A Friday.
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=ZONE)


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


def test_every_failure_is_said_with_a_phrase_of_the_persona() -> None:
    answers: dict[str, str] = {}

    def answered(mind: Any, question: str = "?", epoch: int = 4, **stores: Any) -> None:
        harness = AnswerQuestionHarness(mind)
        failing = {name: FailingStore(harness.calls, call) for name, call in stores.items()}
        case = harness.use_case(persona=PIZZERIA, **failing)
        result = case.answer(harness.request(question, epoch=epoch))
        answers[result.trouble] = result.answer.answer

    for reason in ("deadline", "too_many_steps", "no_text", "model_unavailable", "model_refused"):
        answered(ReasoningFailed(reason, retryable=True))
    answered(None, question=" ")
    answered(None, question="x" * (MAX_QUESTION_CHARACTERS + 1))
    answered(None, epoch=3)
    answered(None, calls="claim")

    phrases = PIZZERIA.phrases
    assert answers == {
        "empty_question": phrases.not_understood,
        "question_too_long": phrases.too_long,
        "lease_lost": phrases.continues_elsewhere,
        "deadline": phrases.no_answer,
        "too_many_steps": phrases.no_answer,
        "no_text": phrases.no_answer,
        "model_refused": phrases.refused,
        "model_unavailable": phrases.not_now,
        "store_unavailable": phrases.not_now,
    }


@pytest.mark.parametrize(
    ("persona", "slot", "closed", "night"),
    [
        (
            PIZZERIA,
            "viernes, 27 de noviembre, 23:00",
            "On viernes, 25 de diciembre, la pizzería is closed.",
            "viernes, 20:00 \u2013 sábado, 2:00",
        ),
        (
            BAKERY,
            "Freitag, 27. November, 23:00",
            "On Freitag, 25. Dezember, die Bäckerei is closed.",
            "Freitag, 20:00 \u2013 Samstag, 02:00",
        ),
        (
            FRONT_DESK,
            "Friday the 27th of November at 11 p.m.",
            "On Friday the 25th of December, the front desk is closed.",
            "from 8 p.m. to 2 a.m. the next day",
        ),
    ],
    ids=lambda value: value.language if isinstance(value, Persona) else "",
)
def test_tools_speak_in_the_words_of_the_persona_and_the_language_of_the_answer(
    persona: Persona, slot: str, closed: str, night: str
) -> None:
    night_hours = {"friday": OpeningHours(time(20), time(2))}
    desk = FakeDesk(DeskRules(time_zone=ZONE, week=night_hours, closed=("12-25",)))
    context = tool_context("ann", NOW, persona)

    def call(name: str, **arguments: str) -> dict[str, Any]:
        return call_tool(name, arguments, context, desk=desk)

    descriptions = " ".join(tool.description for tool in make_tools(fake_tool_stores(), context))
    assert persona.words.booking in descriptions
    assert persona.words.booking in call("my_bookings")["message"]
    assert call("book", date="2026-11-27", time="23:00")["spoken"] == slot
    assert call("free_slots", date="2026-12-25")["message"].startswith(f"{closed} Offer")
    assert call("opening_hours", date="2026-11-27")["message"] == f"Open {night}"
