"""A session applies the user's preferences."""

from dataclasses import replace

import pytest

from repartee.domain.session.effects import OpenLive, RespondToTool, SavePreferences, SendText
from repartee.domain.users.preferences import PreferenceChanges, Profile
from tests.personas import PHRASES
from tests.session_harness import SETTINGS, remembering, started
from tests.unit.domain.session.tools.preference_calls import learn, prefer

pytestmark = pytest.mark.unit


def test_the_model_and_its_successors_get_a_language_and_a_style_at_once() -> None:
    call = started()
    call.utter()
    prefer(call, language="hi-IN", style="slowly")
    call.call_tool("y")
    call.reply()
    call.ack()

    (response, *_) = call.all(RespondToTool)
    assert "hi-IN" in response.response.answer
    assert "slowly" in response.response.answer
    changes = PreferenceChanges(language="hi-IN", style="slowly")
    assert call.all(SavePreferences) == [SavePreferences(changes)]
    assert call.asked[0].language == "hi-IN"
    assert len(call.all(OpenLive)) == 1

    call.lose_live()

    config = call.all(OpenLive)[-1].config
    assert config.language == "hi-IN"
    assert "Speak Hindi (hi-IN)." in config.system_instruction
    assert "speak like this: slowly" in config.system_instruction


@pytest.mark.parametrize("asked_by_user", [False, None, "true", 1, "yes", []])
def test_a_preference_that_the_user_did_not_ask_for_holds_in_this_call_and_is_not_stored(
    asked_by_user: object,
) -> None:
    call = started()
    call.utter()
    prefer(call, asked_by_user=asked_by_user, language="es-ES", style="slowly")
    call.call_tool("y")
    call.reply()
    call.ack()

    (response, *_) = call.all(RespondToTool)
    assert response.response.status == "done"
    assert "to this call only" in response.response.answer
    assert "asked_by_user" in response.response.answer
    assert call.all(SavePreferences) == []
    assert call.asked[0].language == "es-ES"

    call.lose_live()

    config = call.all(OpenLive)[-1].config
    assert "Speak Spanish (es-ES)." in config.system_instruction
    assert "speak like this: slowly" in config.system_instruction
    assert call.all(SavePreferences) == []


def test_a_call_that_does_not_say_who_asked_stores_nothing() -> None:
    call = started()
    call.utter()
    call.call_tool("x", '{"language":"es-ES"}', name="set_preferences")

    assert call.responses == [("x", "done")]
    assert call.all(SavePreferences) == []


def test_a_preference_that_the_user_asks_for_later_is_stored() -> None:
    call = started()
    call.utter()
    prefer(call, asked_by_user=False, language="es-ES")
    prefer(call, "y", language="es-ES")

    assert call.all(SavePreferences) == [SavePreferences(PreferenceChanges(language="es-ES"))]


def test_another_voice_comes_with_a_fresh_session_in_the_next_pause() -> None:
    call = started()
    call.utter()
    prefer(call, voice="puck")
    call.reply("Of course.")
    assert len(call.all(OpenLive)) == 1

    call.ack()

    assert [one.config.voice for one in call.all(OpenLive)] == ["Kore", "Puck"]
    assert call.all(OpenLive)[-1].config.history[-1].text.startswith("Of course.")
    call.utter()
    call.reply("Hello.")
    call.ack()
    assert len(call.all(OpenLive)) == 2
    assert [turn.number for turn in call.turns] == [1, 2]


def test_a_voice_that_is_spoken_with_already_needs_no_fresh_session() -> None:
    call = started()
    call.utter()
    prefer(call, voice="Kore")
    call.reply()
    call.ack()

    assert len(call.all(OpenLive)) == 1


def test_another_voice_waits_until_the_user_has_been_answered() -> None:
    call = started()
    call.utter()
    prefer(call, voice="Puck")
    call.reply()
    call.utter()
    call.ack()
    assert len(call.all(OpenLive)) == 1

    call.reply("Yes?")
    call.ack()

    assert [one.config.voice for one in call.all(OpenLive)] == ["Kore", "Puck"]
    assert len(call.turns) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        {"voice": "Robert"},
        {"language": "tlh"},
        {"language": "es-419"},
        {"style": "x" * 201},
        {},
        {"language": "es-ES", "voice": "?"},
    ],
)
def test_an_unavailable_preference_is_refused_and_changes_nothing(wanted: dict[str, str]) -> None:
    call = started()
    call.utter()
    prefer(call, **wanted)
    call.call_tool("y")

    assert call.responses[0] == ("x", "refused")
    assert call.all(SavePreferences) == []
    assert call.asked[0].language == "en-US"


def test_a_user_is_spoken_to_as_they_settled_in_an_earlier_session() -> None:
    profile = Profile("U", language="es-ES", voice="Puck", style="formally")
    call = started(memory=remembering(profile=profile))
    call.utter()
    call.call_tool("y")

    config = call.all(OpenLive)[0].config
    assert (config.language, config.voice) == ("es-ES", "Puck")
    assert "formally" in config.system_instruction
    assert call.asked[0].language == "es-ES"


@pytest.mark.parametrize(
    ("stored", "spoken", "corrected"),
    [
        ({"language": "es-419"}, ("es-US", "Kore"), {"language": "es-US"}),
        ({"language": "en-ZZ"}, ("en-US", "Kore"), {"language": "en-US"}),
        ({"language": "ru-Cyrl-RU"}, ("ru-RU", "Kore"), {"language": "ru-RU"}),
        ({"language": "ES_es"}, ("es-US", "Kore"), {"language": "es-US"}),
        ({"language": "tlh-XX"}, ("en-GB", "Kore"), {"language": ""}),
        ({"voice": "Robert"}, ("en-GB", "Kore"), {"voice": ""}),
        (
            {"language": "de-XX", "voice": "Robert"},
            ("de-DE", "Kore"),
            {"language": "de-DE", "voice": ""},
        ),
    ],
)
def test_a_stored_preference_that_the_model_lacks_is_replaced_and_mentioned_once(
    stored: dict[str, str], spoken: tuple[str, str], corrected: dict[str, str]
) -> None:
    settings = replace(SETTINGS, language="en-GB")
    profile = Profile("U", language=stored.get("language"), voice=stored.get("voice"))
    call = started(memory=remembering(profile=profile), settings=settings)

    config = call.all(OpenLive)[0].config
    assert (config.language, config.voice) == spoken
    (mention,) = call.all(SendText)
    assert mention.text.endswith(f": {PHRASES.preferences_refused})")
    assert call.all(SavePreferences) == []

    call.reply("I speak otherwise now.")
    call.ack()

    assert call.all(SavePreferences) == [
        SavePreferences(
            PreferenceChanges(**{name: value}), PreferenceChanges(**{name: stored[name]})
        )
        for name, value in corrected.items()
    ]
    call.utter()
    call.call_tool("y")
    call.reply()
    call.ack()
    call.lose_live()
    assert call.all(SendText) == [mention]
    assert len(call.all(SavePreferences)) == len(corrected)
    assert call.asked[0].language == spoken[0]


def test_a_mention_that_a_lost_live_session_did_not_make_is_made_by_the_next() -> None:
    call = started(memory=remembering(profile=Profile("U", language="es-419")))
    call.lose_live()
    assert call.all(SavePreferences) == []

    first, second = call.all(SendText)
    assert first == second
    call.reply()
    assert len(call.all(SavePreferences)) == 1


def test_a_stored_language_without_a_region_is_read_as_its_default_and_not_mentioned() -> None:
    call = started(memory=remembering(profile=Profile("U", language="es")))

    assert call.all(OpenLive)[0].config.language == "es-US"
    assert call.all(SendText) == []
    assert call.all(SavePreferences) == []


def test_a_change_that_comes_while_the_mention_is_made_is_not_undone_by_it() -> None:
    call = started(memory=remembering(profile=Profile("U", language="es-419")))
    call.now_ms += 1
    learn(call, language="hi-IN")
    call.reply()
    call.ack()

    assert call.all(OpenLive)[-1].config.language == "hi-IN"
    assert call.all(SavePreferences) == []


def test_a_change_before_the_mention_makes_it_needless() -> None:
    call = started(memory=remembering(profile=Profile("U", language="es-419")), opens_live=False)
    learn(call, language="hi-IN")
    call.open_live()
    call.pass_ms(1_000)
    call.reply()

    assert call.all(OpenLive)[-1].config.language == "hi-IN"
    assert call.all(SendText) == []
    assert call.all(SavePreferences) == []
