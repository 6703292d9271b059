"""Utterances that were said before the model could listen are answered one after the other."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveGoAway
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.effects import Effect, SendAudio, SendSilence
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import SECOND, SPEECH_END, SessionHarness

pytestmark = pytest.mark.unit


def test_utterances_that_a_successor_finds_are_answered_one_after_the_other():
    call = SessionHarness()
    call.opens_live = False
    call.start()
    call.hello()
    utterance = (SpeechStart(), Audio(SPEECH), SpeechEnd())
    found = [call.numbered(message) for message in (*utterance, *utterance[:2], *utterance[1:])]
    call.pass_ms(100)
    call.open_live()
    call.opens_live = True
    call.read(*found)
    assert call.to_model[call.generation] == [SendAudio(SPEECH), SPEECH_END]
    call.reply("The first.")
    assert call.to_model[call.generation][2:] == [SendAudio(SPEECH)] * 2 + [SPEECH_END]

    call.live(LiveGoAway(2_000))
    call.reply("The second.")
    call.ack()

    assert [(turn.number, turn.said) for turn in call.turns] == [
        (1, "The first."),
        (2, "The second."),
    ]


def _found_by_a_successor() -> SessionHarness:
    """One utterance was said before the model could listen, and is not answered yet."""
    call = SessionHarness()
    call.opens_live = False
    call.start()
    call.hello()
    call.utter()
    call.pass_ms(100)
    call.open_live()
    call.opens_live = True
    call.pass_ms(100)
    return call


def inputs_of(call: SessionHarness) -> list[Effect]:
    """The inputs of the model, without the silence that follows in real time."""
    given = call.to_model[call.generation]
    return [one for one in given if not isinstance(one, SendSilence) or one == SPEECH_END]


def test_speech_before_the_answer_to_a_late_utterance_waits_for_that_answer():
    call = _found_by_a_successor()
    given = inputs_of(call)
    call.utter()
    call.pass_ms(100)
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart(), Audio(SPEECH))
    assert inputs_of(call) == given

    call.reply("The first.")
    call.send(SpeechEnd())
    call.reply("The second.")
    call.ack()

    assert call.replies == ["The first.", "The second."]


def test_later_utterances_follow_the_waiting_one_by_one():
    call = _found_by_a_successor()
    call.utter()
    call.reply("The first.")
    call.utter()
    call.pass_ms(100)
    call.reply("The second.")
    call.reply("The third.")
    call.ack()

    assert call.replies == ["The first.", "The second.", "The third."]


def test_speech_over_the_reply_to_a_late_utterance_interrupts_it():
    call = _found_by_a_successor()
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart(), Audio(SPEECH))

    assert call.to_model[call.generation][-1] == SendAudio(SPEECH)


def test_once_a_late_utterance_is_answered_the_next_may_be_said_in_two_parts():
    call = _found_by_a_successor()
    call.reply("The first.")
    call.utter()
    call.pass_ms(100)
    call.utter()
    call.reply("The second.")
    call.ack()

    assert call.replies == ["The first.", "The second."]


def test_utterances_without_marks_that_a_successor_finds_are_answered_one_after_the_other():
    call = SessionHarness()
    call.opens_live = False
    call.start()
    call.hello()
    call.send(Audio(SPEECH), Audio(SILENCE), Audio(SILENCE), Audio(SPEECH), Audio(SILENCE))
    call.pass_ms(1)
    call.open_live()
    assert call.to_model[call.generation] == [SendAudio(SPEECH), SendAudio(SILENCE)]
    call.pass_ms(1_000)
    call.reply("The first.")
    call.reply("The second.")
    call.ack()

    assert call.replies == ["The first.", "The second."]
