"""The simulator's little Spanish and Hindi."""

from datetime import datetime
from pathlib import Path

import pytest

from local.gemini.mind.data_files import DataFileError
from local.gemini.mind.facts import name_given_by_user
from local.gemini.mind.known import DeclaredFunction, Known, Line
from local.gemini.mind.languages import (
    FOLDER,
    language_of,
    languages,
    requested_language,
    requested_tag,
)
from local.gemini.mind.mind import respond, speak_answer
from local.gemini.mind.tool_files import fields_of
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


NOW = datetime(2026, 11, 22, 17)  # noqa: DTZ001 - local time, a Sunday


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("¿A qué hora abren el viernes?", "es"),
        ("a las nueve y media", "es"),
        ("शुक्रवार को कब खुलता है?", "hi"),
        ("hello", None),
        ("i'd like to see the doctor on friday at three", None),
    ],
)
def test_a_language_is_known_by_its_marks(text: str, language: str | None) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Déjà vu", "fr"),
        ("dejà vu", "fr"),
        ("Grüße", "fr"),
        ("a cafe", "fr"),
        ("Hello, how can I help you?", None),
    ],
)
def test_letters_among_the_marks_keep_their_accents(
    text: str, language: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    french = languages()["es"].model_copy(update={"letters": "éàü", "marks": ("café",)})
    monkeypatch.setattr("local.gemini.mind.languages.languages", lambda: {"fr": french})
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "day", "at"),
    [
        ("el viernes a las nueve de la noche", "2026-11-27", "21:00"),
        ("viernes a las nueve y media", "2026-11-27", "09:30"),
        ("mañana a las 21:30", "2026-11-23", "21:30"),
        ("pasado mañana a mediodía", "2026-11-24", "12:00"),
        ("el miercoles a la una y cuarto", "2026-11-25", "13:15"),
        ("mañana por la mañana", "2026-11-23", None),
        ("a las diez de la mañana", None, "10:00"),
        ("esta noche a las diez", "2026-11-22", "22:00"),
        ("el 4 de diciembre a las diez menos cuarto de la noche", "2026-12-04", "21:45"),
        ("el día 5 a las nueve y cinco", "2026-12-05", "09:05"),
        ("el próximo sábado a las veintidós treinta", "2026-11-28", "22:30"),
        ("Quiero una cita el lunes a las 3 de la tarde", "2026-11-23", "15:00"),
        ("quiero una mesa para dos", None, None),
    ],
)
def test_days_and_times_are_read_in_spanish(text: str, day: str | None, at: str | None) -> None:
    when = languages()["es"].read_when(text)
    assert (str(when.on(NOW)) if when.named else None) == day
    assert (f"{when.at:%H:%M}" if when.at else None) == at


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("en", "forty two", 42),
        ("en", "my order is four seven one", 471),
        ("en", "one hundred and twenty three please", 123),
        ("en", "it is 1042", 1042),
        ("en", "a hundred and five", 105),
        ("en", "hundred five", 105),
        ("en", "four hundred", 400),
        ("en", "nineteen ninety nine", 1999),
        ("en", "twelve hundred", 1200),
        ("en", "two thousand and seven", 2007),
        ("en", "one thousand two hundred forty two", 1242),
        ("en", "nine zero zero one", 9001),
        ("en", "9" * 5_000, None),
        ("en", "nothing of the kind", None),
        ("es", "el pedido cuarenta y dos", 42),
        ("es", "el ciento veintitrés", 123),
        ("es", "ciento cinco", 105),
        ("es", "cuatro dos", 42),
        ("es", "setecientas cuarenta y dos", 742),
        ("es", "mil doscientos", 1200),
        ("es", "dos mil siete", 2007),
        ("hi", "42", 42),
    ],
)
def test_numbers_are_read_as_the_recogniser_writes_them(
    language: str, text: str, number: int | None
) -> None:
    assert languages()[language].read_number(text) == number


def test_the_language_of_an_instruction_is_that_of_its_tag() -> None:
    assert requested_language("Answer in the language whose BCP 47 tag is es-ES.") == "es"
    assert requested_language("Speak English (en-GB).") == "en"
    assert requested_language("Speak French (fr-FR).") is None
    assert requested_language("Speak to callers. Speak Spanish (es-ES) only.") == "es"
    assert requested_tag("Speak French (fr-FR).") == "fr-FR"


def test_every_language_says_the_same_with_the_same_fields() -> None:
    english = languages()["en"].says
    for language in languages().values():
        assert {kind: set(fields_of(text)) for kind, text in language.says.items()} == {
            kind: set(fields_of(text)) for kind, text in english.items()
        }
        for kind, text in language.says.items():
            assert kind == "no_file" or language_of(text) in (None, language.tag[:2])


def test_a_language_with_other_sentences_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for code, old in (("en", ""), ("es", "  looking: Sigo buscando.\n")):
        text = (FOLDER / f"{code}.yaml").read_text()
        assert old in text
        (tmp_path / f"{code}.yaml").write_text(text.replace(old, "") if old else text)
    monkeypatch.setattr("local.gemini.mind.languages.FOLDER", tmp_path)

    with pytest.raises(DataFileError, match=r"es\.yaml: says\.looking differs from en\.yaml"):
        languages.__wrapped__()


def test_a_name_keeps_its_accents() -> None:
    assert name_given_by_user("me llamo andrés") == "Andrés"
    assert name_given_by_user("¿cómo me llamo?") is None


def test_another_language_is_answered_in_it_and_changes_nothing() -> None:
    wish = "¿A qué hora abren el viernes?"
    known = Known("Speak English (en-US).", (ASK, PREFER))
    assert [call.args for call in respond(known, wish).calls] == [{"question": wish}]
    assert respond(known, wish).say == "Un momento, por favor."
    answer = {"answer": "El viernes, 27 de noviembre, cerramos."}
    assert speak_answer(known, "ask_core_agent", answer) == answer["answer"]
    assert respond(known, "hello").say == "Hello, how can I help you?"


def test_a_change_of_language_that_the_user_asks_for_is_said_to_be_asked_for() -> None:
    (call,) = respond(Known("Speak English (en-US).", (PREFER,)), "please speak spanish").calls

    assert call.args == {"language": "es-ES", "asked_by_user": True}
    wanted = "Speak Spanish (es-ES). This applies from now on, also in later calls."
    known = Known("Speak English (en-US).", (PREFER,), (Line("tool", wanted),))
    assert respond(known, "hello").say == "Hola, ¿en qué puedo ayudarle?"


def test_it_says_in_the_language_it_speaks_that_it_is_still_looking() -> None:
    known = Known("Speak English (en-US).", (), (Line("user", "¿Cuándo abren?"),))
    assert respond(known, FILLER, spoken=False).say == "Sigo buscando."
    only = Known("Speak Spanish (es-ES) only.", (), (Line("user", "when do you open"),))
    assert respond(only, FILLER, spoken=False).say == "Sigo buscando."
    assert respond(Known(), FILLER, spoken=False).say == "I am still looking."


ONLY_SPANISH = Known(
    "Speak Spanish (es-ES) only, also when the user speaks another language.", (ASK, PREFER)
)


@pytest.mark.parametrize("spoken", [True, False])
@pytest.mark.parametrize(
    "heard",
    [
        "I want to book a table on Friday at nine in the evening",
        "When do you open?",
        "When is my appointment?",
        "Please remember that I like tea.",
        "शुक्रवार को कब खुलता है?",
    ],
)
def test_a_model_of_one_language_does_not_understand_others(heard: str, *, spoken: bool) -> None:
    reply = respond(ONLY_SPANISH, heard, spoken=spoken)

    assert reply.say.startswith("Perdone, no le he entendido. Puedo ayudarle con ")
    assert reply.calls == ()


@pytest.mark.parametrize("heard", ["Please speak English", "speak German", "speak Spanish"])
@pytest.mark.parametrize("functions", [(ASK,), (ASK, PREFER)])
def test_a_model_of_one_language_refuses_others_at_once_and_in_it(
    heard: str, functions: tuple[DeclaredFunction, ...]
) -> None:
    reply = respond(Known(ONLY_SPANISH.instruction, functions), heard)

    assert (reply.say, reply.calls) == ("Lo siento, no puedo hacer eso.", ())


def test_a_preference_that_is_refused_is_refused_in_the_models_language() -> None:
    known = Known(
        "Speak Spanish (es-ES). When the user clearly speaks German (de-DE), …", (PREFER,)
    )
    refused = {"status": "refused", "answer": "language: this language is not available."}

    assert speak_answer(known, "set_preferences", refused) == "Lo siento, no puedo hacer eso."


def test_a_hindi_question_for_the_name_gives_no_name() -> None:
    known = Known("Speak Hindi (hi-IN) only.", (ASK,), (Line("user", "मेरा नाम आशा है"),))

    assert name_given_by_user("मेरा नाम क्या है?") is None
    assert respond(known, "मेरा नाम क्या है?").say == "आपका नाम आशा है।"
