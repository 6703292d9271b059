"""A running session applies a change of preferences that was made outside of it."""

import pytest

from repartee.domain.session.effects import DeleteInput, OpenLive, SavePreferences, SendText
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.session_harness import remembering, started
from tests.unit.domain.session.tools.preference_calls import learn, prefer

pytestmark = pytest.mark.unit


def test_a_change_elsewhere_counts_in_silence_at_once_and_nothing_is_said_of_it() -> None:
    call = started()
    posted_before = list(call.posted)

    learn(call, language="es-ES", voice="Puck", style="slowly")

    before, config = (one.config for one in call.all(OpenLive))
    assert (before.language, before.voice) == ("en-US", "Kore")
    assert (config.language, config.voice) == ("es-ES", "Puck")
    assert "Speak Spanish (es-ES)." in config.system_instruction
    assert "speak like this: slowly" in config.system_instruction
    assert DeleteInput((), ("n",)) in call.effects
    assert call.all(SavePreferences) == []
    assert call.all(SendText) == []
    assert call.posted == posted_before


@pytest.mark.parametrize("changes", [{"language": "es-ES"}, {"voice": "Puck"}, {"style": "slowly"}])
def test_a_change_elsewhere_waits_until_the_user_has_been_answered(changes: dict[str, str]) -> None:
    call = started()
    call.utter()
    learn(call, ago_ms=0, **changes)
    call.reply("Of course.")
    assert len(call.all(OpenLive)) == 1

    call.ack()

    assert len(call.all(OpenLive)) == 2
    assert call.all(OpenLive)[-1].config.history[-1].text.startswith("Of course.")
    call.utter()
    call.reply()
    call.ack()
    assert len(call.all(OpenLive)) == 2
    assert [turn.number for turn in call.turns] == [1, 2]


def test_a_question_that_comes_after_a_change_elsewhere_is_asked_in_the_new_language() -> None:
    call = started()
    call.utter()
    learn(call, language="es-ES")
    call.call_tool("y")

    assert call.asked[0].language == "es-ES"


@pytest.mark.parametrize("changes", [{"language": "en-US"}, {"voice": "Kore"}, {"style": ""}, {}])
def test_a_change_elsewhere_to_what_is_in_force_needs_no_fresh_session(
    changes: dict[str, str],
) -> None:
    call = started()

    learn(call, ago_ms=0, **changes)
    call.utter()
    call.reply()
    call.ack()

    assert len(call.all(OpenLive)) == 1
    assert DeleteInput((), ("n",)) in call.effects


def test_a_change_elsewhere_back_to_the_defaults_counts() -> None:
    profile = Profile("U", language="es-ES", voice="Puck", style="formally")
    call = started(memory=remembering(profile=profile))

    learn(call, language="", voice="", style="")

    config = call.all(OpenLive)[-1].config
    assert (config.language, config.voice) == ("en-US", "Kore")
    assert "formally" not in config.system_instruction


def test_a_change_elsewhere_that_comes_while_a_live_session_opens_counts_once_it_is_open() -> None:
    call = started()
    call.opens_live = False
    call.lose_live()
    call.pass_ms(2_000)
    opened = len(call.all(OpenLive))
    learn(call, language="es-ES")

    call.opens_live = True
    call.open_live()

    assert len(call.all(OpenLive)) == opened + 1
    assert call.all(OpenLive)[-1].config.language == "es-ES"


def test_a_notice_that_is_read_twice_does_not_undo_a_change_by_voice_between() -> None:
    call = started()
    learn(call, voice="Puck")
    call.now_ms += 100
    call.utter()
    prefer(call, voice="Aoede")
    learn(call, voice="Puck", ago_ms=100)
    call.reply()
    call.ack()

    assert [one.config.voice for one in call.all(OpenLive)] == ["Kore", "Puck", "Aoede"]


def test_the_newer_of_a_change_by_voice_and_one_elsewhere_counts_for_each_preference() -> None:
    call = started()
    call.now_ms += 1_000
    call.utter()
    prefer(call, voice="Aoede")
    learn(call, voice="Puck", language="es-ES", ago_ms=1)
    call.reply()
    call.ack()
    config = call.all(OpenLive)[-1].config
    assert (config.voice, config.language) == ("Aoede", "es-ES")

    call.now_ms += 1
    learn(call, voice="Puck")

    config = call.all(OpenLive)[-1].config
    assert (config.voice, config.language) == ("Puck", "es-ES")


def test_the_newer_of_two_changes_elsewhere_counts_even_when_it_is_read_first() -> None:
    call = started()
    learn(call, language="es-ES")
    learn(call, language="hi-IN", style="slowly", ago_ms=1)

    config = call.all(OpenLive)[-1].config
    assert config.language == "es-ES"
    assert "slowly" in config.system_instruction
    assert len(call.all(OpenLive)) == 3


def test_a_notice_from_before_the_profile_was_loaded_changes_nothing() -> None:
    profile = Profile("U", language="hi-IN")
    call = started(memory=remembering(profile=profile), taken_at_ms=NOON_MS + 500)

    learn(call, language="es-ES", ago_ms=call.now_ms - 500)

    assert len(call.all(OpenLive)) == 1
    assert DeleteInput((), ("n",)) in call.effects
