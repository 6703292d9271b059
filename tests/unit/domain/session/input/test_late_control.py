"""Marks of speech that arrive after later messages."""

import pytest

from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import SendAudio, SendText
from repartee.domain.session.input.order import GIVE_UP_AFTER_MS
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import SECOND, started

pytestmark = pytest.mark.unit


def test_late_control_of_a_skipped_gap_takes_effect_but_late_audio_is_not_heard():
    call = started()
    call.send(Audio(SPEECH), seq=4)
    call.pass_ms(3_000)

    call.send(Audio(SILENCE), seq=2)
    call.send(Text("Hello"), seq=3)

    assert call.all(SendAudio) == [SendAudio(SPEECH)]
    assert call.all(SendText) == [SendText("Hello")]


def test_an_end_of_speech_that_comes_late_does_not_end_the_next_utterance():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.send(SpeechStart(), seq=5)
    call.pass_ms(3_000)
    call.send(Audio(SPEECH))

    call.send(SpeechEnd(), seq=4)

    assert call.to_model[1][-1] == SendAudio(SPEECH)
    assert call.machine.is_listening


def test_control_that_came_late_is_given_to_the_next_live_session_too():
    call = started()
    call.send(SpeechStart(), seq=3)
    call.send(Audio(SPEECH), seq=4)
    call.pass_ms(3_000)
    call.send(Text("and typed"), seq=2)
    call.lose_live()

    assert call.to_model[call.generation] == [SendText("and typed"), SendAudio(SPEECH)]
    call.lose_live()
    call.pass_ms(2_000)
    assert call.to_model[call.generation] == [SendText("and typed"), SendAudio(SPEECH)]
    call.send(SpeechEnd(), seq=5)
    call.reply()
    call.ack()
    assert [turn.heard for turn in call.turns] == ["and typed"]


def test_control_that_came_late_into_the_next_utterance_is_given_once_to_the_next_live_session():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND[:960]))
    call.send(SpeechStart(), seq=8)
    call.send(Audio(SPEECH), seq=9)
    call.pass_ms(3_000)
    call.send(Text("within"), seq=7)
    call.lose_live()
    call.reply()

    texts = [one for one in call.to_model[call.generation] if isinstance(one, SendText)]
    assert texts == [SendText("within")]


def test_control_that_came_late_and_waits_for_the_model_is_not_forgotten_when_that_is_lost_again():
    call = started()
    call.send(Text("First."), seq=3)
    call.pass_ms(GIVE_UP_AFTER_MS)
    call.reply()
    call.ack()
    call.opens_live = False
    call.lose_live()
    call.send(Text("Late."), seq=2)
    call.lose_live()

    call.opens_live = True
    call.pass_ms(1_000)

    assert call.to_model[call.generation] == [SendText("Late.")]
