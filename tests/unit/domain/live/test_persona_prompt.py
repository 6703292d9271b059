"""The live model gets the persona's words in English rules, and the languages of the persona."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from repartee.domain.conversation.conversation import Conversation, Memory
from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.live.persona_prompt import live_persona, tools_of
from repartee.domain.live.prompt import PromptContext, system_instruction
from repartee.domain.persona import Persona, PersonaRefused
from repartee.domain.users.preferences import PreferenceRefused, Profile, checked_language
from tests.personas import BAKERY, FRONT_DESK, PIZZERIA

pytestmark = pytest.mark.unit

OF_THE_DESK = ("appointment", "front desk", "opening hours", "slot", "the desk")
NOON = datetime(2026, 11, 27, 12, tzinfo=ZoneInfo("Europe/Berlin"))


def instruction(persona: Persona, language: str) -> str:
    when = PromptContext(NOON, "Europe/Berlin", language, persona.languages)
    memory = Memory(Conversation("u", "c", "", 0, 0), Profile("u"), ())
    return system_instruction(live_persona("x", persona).instructions, memory, when)


def tags(persona: Persona) -> list[str]:
    languages = persona.narrowed(FALLBACK_PROFILE).languages
    return [tag for listed in languages.values() for tag in listed]


@pytest.mark.parametrize("persona", [PIZZERIA, BAKERY])
def test_the_prompt_of_another_business_says_nothing_of_a_front_desk(persona: Persona) -> None:
    profile = persona.narrowed(FALLBACK_PROFILE)
    declared = [
        text
        for tool in tools_of(persona, profile)
        for text in (tool.description, *(one.description for one in tool.parameters))
    ]
    sent = "\n".join((instruction(persona, persona.language), *declared))

    assert not [word for word in OF_THE_DESK if word in sent.lower()]
    for text in (persona.role, persona.manner, persona.business, persona.abilities):
        assert text in sent
    assert persona.words.place in declared[0]


def test_a_persona_of_one_language_answers_in_no_other() -> None:
    assert "Speak Spanish (es-ES) only" in instruction(PIZZERIA, "es-ES")


def test_a_persona_of_two_languages_answers_in_both() -> None:
    german = instruction(BAKERY, "de-DE")

    assert "Speak German (de-DE). When the user clearly speaks French (fr-FR), answer" in german
    assert "When the user clearly speaks German (de-DE)" in instruction(BAKERY, "fr-FR")


def test_a_persona_of_all_languages_answers_in_the_users() -> None:
    assert "When the user clearly speaks another language" in instruction(FRONT_DESK, "en-GB")


def test_users_may_choose_the_languages_of_the_persona() -> None:
    assert tags(PIZZERIA) == ["es-ES"]
    assert tags(BAKERY) == ["de-DE", "fr-FR"]
    every = [tag for listed in FALLBACK_PROFILE.languages.values() for tag in listed]
    assert sorted(tags(FRONT_DESK)) == sorted(every)
    language = tools_of(BAKERY, BAKERY.narrowed(FALLBACK_PROFILE))[1].parameters[1]
    assert language.description == "One of de-DE, fr-FR."


def test_another_language_is_refused_with_those_of_the_persona() -> None:
    with pytest.raises(PreferenceRefused) as refused:
        checked_language(BAKERY.narrowed(FALLBACK_PROFILE), "en-US")

    assert "de, fr" in refused.value.advice


def test_a_language_without_a_region_has_the_region_that_the_persona_lists_first() -> None:
    mexican = FRONT_DESK.model_copy(update={"languages": ("es-ES", "en-GB", "*")})

    profile = mexican.narrowed(FALLBACK_PROFILE)

    assert [profile.listed_tag(tag) for tag in ("es", "en", "de")] == ["es-ES", "en-GB", "de-DE"]


@pytest.mark.parametrize(
    ("persona", "wanted", "language"),
    [
        (PIZZERIA, "", "es-ES"),
        (BAKERY, "fr-fr", "fr-FR"),
        (FRONT_DESK, "de-DE", "de-DE"),
        (FRONT_DESK, "de", "de-DE"),
    ],
)
def test_the_operator_may_choose_one_of_the_languages(
    persona: Persona, wanted: str, language: str
) -> None:
    assert persona.default_language(FALLBACK_PROFILE, wanted) == language


def test_an_operators_language_that_the_persona_does_not_list_is_refused() -> None:
    with pytest.raises(PersonaRefused, match=r"en-US.*parameter Language.*choose one of es-ES"):
        PIZZERIA.default_language(FALLBACK_PROFILE, "en-US")
    with pytest.raises(PersonaRefused, match=r"es-419.*choose one of en-US, .*es-US, es-ES"):
        FRONT_DESK.default_language(FALLBACK_PROFILE, "es-419")


def test_a_live_model_without_a_language_of_the_persona_is_refused() -> None:
    with pytest.raises(PersonaRefused, match=r"does not speak fr-FR; it speaks de-DE"):
        BAKERY.narrowed(FALLBACK_PROFILE.speaking(("de-DE",)))
