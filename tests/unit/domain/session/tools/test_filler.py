"""A slow answer: a few words break the silence once and interrupt no speech."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio, LiveInterrupted, LiveToolCallsCancelled
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.tools.filler import FILLER
from repartee.domain.users.preferences import Profile
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import (
    IDLE,
    IN_PROGRESS,
    SECOND,
    SETTINGS,
    SessionHarness,
    remembering,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

AFTER_MS = SETTINGS.filler_after_ms


def asking(**options: object) -> SessionHarness:
    """A call in which the model looks something up and has stopped speaking."""
    call = started(**options)
    call.utter()
    call.call_tool("x")
    call.live(LiveAudio(SECOND[:2]), said("One moment."))
    call.live(IN_PROGRESS)
    return call


def test_silence_during_a_slow_call_is_broken_once() -> None:
    call = asking()
    call.pass_ms(AFTER_MS - 1)
    assert call.texts == []
    call.pass_ms(1)
    assert call.texts == [FILLER]

    call.live(said("Still looking."))
    call.live(IN_PROGRESS)
    call.pass_ms(3 * AFTER_MS)

    assert call.texts == [FILLER]


def test_an_answer_that_comes_in_time_needs_no_filler() -> None:
    call = asking()
    call.pass_ms(AFTER_MS - 1)
    call.answer_tool()
    call.reply("At three.")
    call.pass_ms(2 * AFTER_MS)

    assert call.texts == []


def test_the_filler_also_follows_a_turn_that_has_ended() -> None:
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("One moment.")
    call.ack()

    call.pass_ms(2 * AFTER_MS)

    assert call.texts == [FILLER]
    call.reply("Still looking.")
    call.answer_tool("At three.")
    assert call.responses == [("x", "done")]


def test_the_filler_is_in_the_language_of_the_conversation() -> None:
    call = asking(memory=remembering(profile=Profile("U", language="hi-IN")))

    call.pass_ms(AFTER_MS)

    assert call.texts == [FILLER]
    assert "In the language that you speak with the user" in FILLER


def test_silence_begins_when_the_reply_has_been_played() -> None:
    call = started()
    call.utter()
    call.call_tool("x")
    two_seconds = 2 * SECOND
    call.live(LiveAudio(two_seconds), IN_PROGRESS)

    call.pass_ms(2_000 + AFTER_MS - 1)
    assert call.texts == []
    call.pass_ms(1)
    assert call.texts == [FILLER]


def test_a_filler_interrupts_no_speech() -> None:
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.pass_ms(AFTER_MS)
    call.send(Audio(SPEECH))
    call.pass_ms(AFTER_MS)
    assert call.texts == []

    call.send(SpeechEnd())
    call.pass_ms(AFTER_MS - 1)
    assert call.texts == []
    call.pass_ms(1)

    assert call.texts == [FILLER]


def test_a_call_that_was_cancelled_needs_no_filler_once_its_answer_is_known() -> None:
    call = asking()
    call.send(SpeechStart())
    call.live(LiveInterrupted(), LiveToolCallsCancelled(("x",)))
    call.send(SpeechEnd())
    call.live(IDLE)
    call.reply("Of course.")
    call.answer_tool("At three.")
    call.pass_ms(2 * AFTER_MS)

    assert FILLER not in call.texts
    assert call.responses == []
    assert len([text for text in call.texts if "At three." in text]) == 1


def test_each_slow_call_has_its_filler() -> None:
    call = asking()
    call.pass_ms(AFTER_MS)
    call.answer_tool()
    call.reply("At three.")
    call.utter()
    call.call_tool("y", '{"question":"Where?"}')
    call.live(said("Moment."), IN_PROGRESS)
    call.pass_ms(2 * AFTER_MS)

    assert call.texts == [FILLER, FILLER]


def test_a_filler_waits_for_the_live_session() -> None:
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("One moment.")
    call.ack()
    call.opens_live = False
    call.lose_live()
    call.pass_ms(2 * AFTER_MS)
    assert call.texts == []

    call.open_live()

    assert call.texts == [FILLER]


def test_the_operators_patience_counts() -> None:
    call = asking(settings=replace(SETTINGS, filler_after_ms=500))

    call.pass_ms(500)

    assert call.texts == [FILLER]


def test_speech_while_a_call_is_open_is_a_separate_turn() -> None:
    call = asking()
    call.utter()
    call.live(*speaks("Hello!"))
    call.live(IN_PROGRESS)
    call.answer_tool("At three.")
    call.reply("At three.")
    call.ack()
    call.pass_ms(60_000)

    assert call.replies == ["One moment.", "Hello! At three."]
    assert call.texts == []
    assert call.responses == [("x", "done")]
