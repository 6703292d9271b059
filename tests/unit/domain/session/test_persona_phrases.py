"""Every text that the session core shows or has spoken comes from the persona."""

from collections.abc import Callable
from dataclasses import astuple, replace
from decimal import Decimal

import pytest

from repartee.domain.cost.limits import DailyLimits, DayUsage, utc_day
from repartee.domain.live.live_persona import LivePersona
from repartee.domain.live.model import LiveFailure
from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.live.persona_prompt import live_persona, tools_of
from repartee.domain.persona import Persona
from repartee.domain.protocol.frames import SessionError
from repartee.domain.session.effects import OpenLive, RespondToTool
from repartee.domain.session.events import Started
from repartee.domain.session.timing import SPEAK_WITHIN_MS, STALL_MS, TOOL_CALL_TIMEOUT_MS
from repartee.domain.tools.core_calls import ToolCallStatus
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.personas import BAKERY, FRONT_DESK, PIZZERIA
from tests.session_harness import COMPLETE, SETTINGS, SessionHarness, remembering

pytestmark = pytest.mark.unit

each_persona = pytest.mark.parametrize("persona", [FRONT_DESK, PIZZERIA, BAKERY])


def calling(persona: Persona, **fields: object) -> SessionHarness:
    live: LivePersona = live_persona("x", persona)
    tools = tools_of(persona, persona.narrowed(FALLBACK_PROFILE))
    settings = replace(SETTINGS, persona=live, language=persona.language, tools=tools)
    limits = DailyLimits(talk_s=60, cost_usd=Decimal(5))
    call = SessionHarness(**{"settings": replace(settings, limits=limits), **fields})  # type: ignore[arg-type]
    call.feed(Started(DayUsage(utc_day(NOON_MS))))
    call.hello()
    return call


def stays_silent(call: SessionHarness) -> str:
    call.utter()
    call.pass_ms(3 * STALL_MS)
    return call.settings.persona.phrases.not_understood


def asks_in_vain(call: SessionHarness) -> str:
    call.utter()
    call.call_tool()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS + 2 * SPEAK_WITHIN_MS)
    return call.settings.persona.phrases.no_answer


def is_refused_without_words(call: SessionHarness) -> str:
    call.utter()
    call.call_tool()
    call.answer_tool("", status=ToolCallStatus.REFUSED)
    call.live(COMPLETE)
    call.pass_ms(3 * SPEAK_WITHIN_MS)
    return call.settings.persona.phrases.refused


def is_busy(call: SessionHarness) -> str:
    call.lose_live(LiveFailure.BUSY)
    return call.settings.persona.phrases.busy


@each_persona
@pytest.mark.parametrize("happens", [stays_silent, asks_in_vain, is_refused_without_words, is_busy])
def test_errors_are_shown_in_the_personas_words(
    persona: Persona, happens: Callable[[SessionHarness], str]
) -> None:
    call = calling(persona)

    expected = happens(call)

    assert [error.message for error in call.frames(SessionError)] == [expected]
    answers = {one.response.answer for one in call.all(RespondToTool)}
    assert answers <= set(astuple(persona.phrases))


@each_persona
def test_the_goodbye_at_a_limit_is_the_personas(persona: Persona) -> None:
    call = calling(persona)
    call.feed(Started(DayUsage(utc_day(NOON_MS), talk_ms=60_000)))
    call.utter()
    call.pass_ms(1_000)

    (cue,) = [text for text in call.texts if persona.phrases.goodbye in text]
    assert cue.endswith(f"say: {persona.phrases.goodbye})")


@each_persona
def test_refused_preferences_are_mentioned_in_the_personas_words(persona: Persona) -> None:
    profile = Profile("U", language=persona.languages[-1].replace("*", "de-DE"), style="slowly")
    call = calling(persona, memory=remembering(profile=profile))
    call.lose_live(code=1007)
    call.utter()
    call.reply()

    assert [text for text in call.texts if f": {persona.phrases.preferences_refused})" in text]


@each_persona
@pytest.mark.parametrize("stored", [{"voice": "Robert"}, {"language": "tlh"}], ids=str)
def test_stored_preferences_that_cannot_be_used_are_mentioned_in_the_personas_words(
    persona: Persona, stored: dict[str, str]
) -> None:
    call = calling(persona, memory=remembering(profile=Profile("U", **stored)))  # type: ignore[arg-type]

    (cue,) = call.texts
    assert cue == (
        "(In the language that you speak, say in one short sentence: "
        f"{persona.phrases.preferences_refused})"
    )


def test_a_stored_language_that_the_persona_does_not_offer_is_replaced_by_its_own() -> None:
    call = calling(PIZZERIA, memory=remembering(profile=Profile("U", language="en-GB")))

    assert call.all(OpenLive)[0].config.language == "es-ES"


def test_the_model_cannot_set_a_language_that_the_persona_does_not_offer() -> None:
    call = calling(PIZZERIA)
    call.utter()
    call.call_tool(name="set_preferences", arguments='{"language":"en-GB","asked_by_user":true}')

    (response,) = [one.response for one in call.all(RespondToTool)]
    assert response.status is ToolCallStatus.REFUSED
    assert "es" in response.answer
