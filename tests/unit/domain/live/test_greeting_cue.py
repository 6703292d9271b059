import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.greeting_cue import greeting_cue
from tests.session_harness import MEMORY, remembering

pytestmark = pytest.mark.unit

GREETING = "Pizzería La Esquina, buenas."


def test_a_new_user_is_greeted_in_the_words_of_the_persona_and_the_language_in_force():
    cue = greeting_cue(GREETING, MEMORY, "fr-FR")

    assert GREETING in cue
    assert "French (fr-FR)" in cue
    assert "Welcome the user back" not in cue


def test_a_user_who_has_spoken_before_is_welcomed_back():
    memory = remembering(Turn(1, "S0", 0, 1, heard="Hello."))

    assert "Welcome the user back" in greeting_cue(GREETING, memory, "es-ES")


def test_a_user_who_has_only_been_greeted_is_greeted_again():
    memory = remembering(Turn(1, "S0", 0, 1, said=GREETING))

    assert "Welcome the user back" not in greeting_cue(GREETING, memory, "es-ES")
