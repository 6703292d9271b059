"""The simulator's little Spanish and Hindi."""

import pytest

from local.gemini.known import Function, Known
from local.gemini.languages import in_english, in_language, language_of, language_told
from local.gemini.mind import respond

pytestmark = pytest.mark.unit

ASK = Function("ask_core_agent", "", {"properties": {"question": {"type": "STRING"}}})
PREFER = Function("set_preferences", "", {"properties": {"language": {"type": "STRING"}}})


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


def test_an_answer_is_said_in_the_language_that_was_told() -> None:
    told = language_told("Answer in the language whose BCP 47 tag is es-ES.")
    answer = "We are open on Friday the 27th of November from 9 a.m. to 5:30 p.m."

    assert in_language(answer, told) == (
        "El viernes 27 de noviembre abrimos de 9 de la mañana a 5:30 de la tarde."
    )
    assert in_language(answer, language_told("Speak en-GB")) == answer
    assert in_language("Nothing that it knows.", "hi") == "Nothing that it knows."


def test_whoever_speaks_another_language_has_it_settled_once() -> None:
    wish = "¿A qué hora abren el viernes?"
    names = [call.name for call in respond(Known("Speak en-US", (ASK, PREFER)), wish).calls]
    assert names == ["set_preferences", "ask_core_agent"]

    (call,) = respond(Known("Speak es-ES", (ASK, PREFER)), wish).calls
    assert call.args == {"question": wish}


def test_it_says_in_the_wanted_language_that_it_is_still_looking() -> None:
    text = "(Say in es-ES, in a few words, that you are still looking.)"
    assert respond(Known(), text, spoken=False).say == "Sigo buscando."
