"""How a session takes up what the user settles about how they are spoken to."""

import json

import pytest

from repartee.domain.conversation import Profile
from repartee.domain.preferences import PreferenceChanges
from repartee.domain.session.effects import OpenLive, RespondToTool, SavePreferences
from tests.sessions import Call, remembering, started

pytestmark = pytest.mark.unit


def prefer(call: Call, call_id: str = "x", **wanted: str) -> None:
    call.call_tool(call_id, json.dumps(wanted), name="set_preferences")


def test_a_language_and_a_style_are_told_to_the_model_at_once_and_to_its_successors() -> None:
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
    assert "Speak hi-IN" in config.system_instruction
    assert "speak like this: slowly" in config.system_instruction


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
        {"style": "x" * 201},
        {},
        {"language": "es-ES", "voice": "?"},
    ],
)
def test_what_cannot_be_had_is_refused_and_changes_nothing(wanted: dict[str, str]) -> None:
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
