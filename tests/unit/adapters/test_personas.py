"""A persona's file is read as it is meant, or refused by file and field."""

import contextlib
from dataclasses import MISSING, fields
from datetime import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repartee.adapters.personas import load_persona, persona_names
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.persona import PersonaRefused
from repartee.domain.phrases import Phrases

pytestmark = pytest.mark.unit

PHRASES = [field.name for field in fields(Phrases)]
REQUIRED_PHRASES = [field.name for field in fields(Phrases) if field.default is MISSING]
SMALLEST = f"""\
business: Shop
role: You sell.
manner: Speak briefly.
languages: [en-GB]
greeting: Hello
words: {{place: the shop, booking: order, bookings: orders}}
abilities: orders
phrases: {{{", ".join(f"{name}: Sorry." for name in PHRASES)}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def refusal(folder: Path, text: str | bytes) -> str:
    path = folder / "shop.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PersonaRefused) as refused:
        load_persona("shop", folder)
    return str(refused.value)


def test_every_persona_of_this_version_is_valid() -> None:
    assert {"front_desk", "pizzeria"} <= set(persona_names())

    for name in persona_names():
        load_persona(name)


def test_the_smallest_file_has_defaults_for_the_rest(folder: Path) -> None:
    (folder / "shop.yaml").write_text(SMALLEST)

    persona = load_persona("shop", folder)

    assert (persona.language, persona.speaks_first, persona.hours) == ("en-GB", False, None)


def test_a_file_with_everything_is_read(folder: Path) -> None:
    text = SMALLEST.replace("[en-GB]", '[es-ES, " en-gb ", "*"]')
    (folder / "shop.yaml").write_text(
        text + "speaks_first: true\nhours: {friday: 13:00-00:30, monday: 09:00 - 17:00}\n"
    )

    persona = load_persona("shop", folder)

    assert persona.languages == ("es-ES", "en-GB", "*")
    assert persona.speaks_first
    assert persona.hours == {
        "friday": OpeningHours(time(13), time(0, 30)),
        "monday": OpeningHours(time(9), time(17)),
    }


def test_words_that_yaml_takes_for_other_types_are_texts(folder: Path) -> None:
    (folder / "shop.yaml").write_text(SMALLEST.replace("Shop", "No").replace("Hello", "2026-11-27"))

    persona = load_persona("shop", folder)

    assert (persona.business, persona.greeting) == ("No", "2026-11-27")


def test_a_folded_text_is_one_line(folder: Path) -> None:
    text = SMALLEST.replace("role: You sell.", "role: >\n  You sell\n  shoes.")
    (folder / "shop.yaml").write_text(text)

    assert load_persona("shop", folder).role == "You sell shoes."


@pytest.mark.parametrize(
    ("before", "after", "field", "advice"),
    [
        ("business: Shop\n", "", "business", "missing"),
        ("busy: Sorry., ", "", "phrases.busy", "missing"),
        ("business", "busness", "busness", "no such field: remove it. Did you mean business?"),
        ("busy:", "bussy:", "phrases.bussy", "Did you mean busy?"),
        ("[en-GB]", "en-GB", "languages", "write a list"),
        ("[en-GB]", "[]", "languages", "empty"),
        ("[en-GB]", "[en-ZZ]", "languages.0", "en-US, en-AU"),
        ("[en-GB]", f"[{'x' * 5000}]", "languages.0", f'"{"x" * 20}" is not a language'),
        ("[en-GB]", '[""]', "languages.0", '"" is not a language'),
        ("[en-GB]", '["*", en-GB]', "languages", "last"),
        ("[en-GB]", "[en-GB, en-gb]", "languages", "twice"),
        ("[en-GB]", "[{en: GB}]", "languages.0", "write a text"),
        ("You sell.", "[sell]", "role", "write a text"),
        ("You sell.", "", "role", "no visible character"),
        ("You sell.", "x" * 1001, "role", "1001 characters, and 1000 are allowed"),
        ("busy: Sorry.", 'busy: "One\\ntwo"', "phrases.busy", "write it as one line"),
        ("Hello", '"Hi\\x07"', "greeting", "U+0007"),
        ("Hello", "Hello\nspeaks_first: perhaps", "speaks_first", "write true or false"),
        ("Hello", "Hello\nhours: {}", "hours", "omit the field"),
        ("Hello", "Hello\nhours: always", "hours", "write fields below it"),
        ("Hello", "Hello\nhours: {lunes: 09:00-17:00}", "hours.lunes", "monday"),
        ("Hello", "Hello\nhours: {monday: closed}", "hours.monday", "09:00-17:00"),
        (
            "Hello",
            "Hello\nhours: {monday: 20:00-04:00, tuesday: 03:00-09:00}",
            "hours",
            "tuesday must not open at 03:00",
        ),
        ("Hello", "Hello\nbusiness: Two", "business", "line 6: business comes twice"),
        ("busy:", "busy: Sorry., busy:", "busy", "comes twice"),
    ],
)
def test_a_fault_is_named_by_file_field_and_remedy(
    before: str, after: str, field: str, advice: str, folder: Path
) -> None:
    assert before in SMALLEST

    message = refusal(folder, SMALLEST.replace(before, after, 1))

    assert message.startswith("shop.yaml")
    assert field in message
    assert advice in message


@pytest.mark.parametrize(
    "text",
    [
        *("", "business", "- a\n- b", "a: [", "a: *b", "\t", "? [a]\n: b"),
        *(b"a: \xff", "{" * 9_000, "\0"),
    ],
)
def test_a_file_that_is_no_yaml_mapping_is_refused(text: str | bytes, folder: Path) -> None:
    assert "shop.yaml" in refusal(folder, text)


def test_all_faults_of_a_file_are_named_together(folder: Path) -> None:
    message = refusal(folder, "business: Shop\nlanguages: [tlh]\nphrases: {busy: ''}")

    wrong = {line.split(": ")[1] for line in message.splitlines()}
    missing = {"role", "manner", "greeting", "words", "abilities"}
    assert wrong == missing | {"languages.0"} | {f"phrases.{name}" for name in REQUIRED_PHRASES}


@pytest.mark.parametrize("name", ["pizeria", "Pizzeria", "pizzería", "../personas/pizzeria", ""])
def test_an_unknown_persona_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(PersonaRefused, match=r"choose one of .*front_desk, .*pizzeria"):
        load_persona(name)


def test_the_nearest_name_is_suggested() -> None:
    with pytest.raises(PersonaRefused, match=r"Did you mean pizzeria\?"):
        load_persona("pizeria")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [*sorted(yaml.safe_load(SMALLEST)), "hours", "speaks_first"]


@given(field=st.sampled_from(FIELDS), value=JUNK)
def test_no_value_of_a_field_breaks_the_loader(
    field: str, value: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("personas", numbered=True)
    document = {**yaml.safe_load(SMALLEST), field: value}
    (folder / "shop.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))

    # Any other exception fails the test.
    with contextlib.suppress(PersonaRefused):
        assert load_persona("shop", folder).language == "en-GB" or field == "languages"
