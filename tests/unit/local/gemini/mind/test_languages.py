"""The simulator's little Spanish and Hindi."""

import pytest

from local.gemini.mind.known import DeclaredFunction, Known, Line
from local.gemini.mind.languages import in_english, in_language, language_of, requested_language
from local.gemini.mind.mind import respond, speak_answer
from repartee.domain.session.tools.filler import FILLER

pytestmark = pytest.mark.unit

ASK = DeclaredFunction("ask_core_agent", "", {"properties": {"question": {"type": "STRING"}}})
PREFER = DeclaredFunction(
    "set_preferences",
    "",
    {
        "properties": {
            "asked_by_user": {"type": "BOOLEAN"},
            "language": {"type": "STRING", "description": "One of en-US, es-ES."},
        },
        "required": ["asked_by_user"],
    },
)


@pytest.mark.parametrize(
    ("text", "language", "english"),
    [
        ("¿A qué hora abren el viernes?", "es", "opening hours on friday"),
        ("Quiero una cita el lunes a las 3 de la tarde", "es", "appointment on monday at 3 p.m."),
        ("शुक्रवार को कब खुलता है?", "hi", "on friday"),
        ("hello", None, "hello"),
    ],
)
def test_a_wish_is_understood_in_its_language(
    text: str, language: str | None, english: str
) -> None:
    assert language_of(text) == language
    assert english in in_english(text).lower()


def test_an_answer_is_said_in_the_language_of_the_instruction() -> None:
    wanted = requested_language("Answer in the language whose BCP 47 tag is es-ES.")
    answer = "We are open on Friday the 27th of November from 9 a.m. to 5:30 p.m."

    assert in_language(answer, wanted) == (
        "El viernes 27 de noviembre abrimos de 9 de la mañana a 5:30 de la tarde."
    )
    assert in_language(answer, requested_language("Speak en-GB")) == answer
    assert in_language("Nothing that it knows.", "hi") == "Nothing that it knows."


def test_another_language_is_answered_in_it_and_changes_nothing() -> None:
    wish = "¿A qué hora abren el viernes?"
    known = Known("Speak English (en-US).", (ASK, PREFER), (Line("user", wish),))
    assert [call.args for call in respond(known, wish).calls] == [{"question": wish}]
    answer = {"answer": "We are closed on Friday the 27th of November."}
    assert speak_answer(known, "ask_core_agent", answer) == (
        "El viernes 27 de noviembre está cerrado."
    )
    assert respond(known, "hello").say == "Hello, how can I help you?"


def test_a_change_of_language_that_the_user_asks_for_is_said_to_be_asked_for() -> None:
    (call,) = respond(Known("Speak English (en-US).", (PREFER,)), "please speak spanish").calls

    assert call.args == {"language": "es-ES", "asked_by_user": True}
    wanted = "Speak Spanish (es-ES). This applies from now on, also in later calls."
    known = Known("Speak English (en-US).", (PREFER,), (Line("tool", wanted),))
    assert respond(known, "hello").say == "Hola, ¿en qué puedo ayudarle?"


def test_it_says_in_the_users_language_that_it_is_still_looking() -> None:
    known = Known("Speak English (en-US).", (), (Line("user", "¿Cuándo abren?"),))
    assert respond(known, FILLER, spoken=False).say == "Sigo buscando."
    assert respond(Known(), FILLER, spoken=False).say == "I am still looking."
