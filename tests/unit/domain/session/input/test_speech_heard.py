"""A client that wants it is informed once for each utterance that the worker hears."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.frames import NoSpeech, ReplyAudio, SpeechHeard
from repartee.domain.protocol.messages import (
    SPEECH_HEARD,
    Audio,
    Hello,
    SpeechEnd,
    SpeechStart,
    Text,
)
from tests.fakes.speech_detector import SILENCE, SPEECH, WHISPER
from tests.session_harness import SECOND, STATE, SessionHarness, heard, said, speaks, started

pytestmark = pytest.mark.unit


def listening() -> SessionHarness:
    call = SessionHarness()
    call.start()
    call.send(Hello(features=(SPEECH_HEARD,)))
    return call


def test_speech_that_the_detector_finds_is_reported_once():
    call = listening()

    call.send(Audio(SILENCE), Audio(SPEECH), Audio(SPEECH), Audio(SILENCE))

    assert call.frames(SpeechHeard) == [SpeechHeard(1)]


def test_marked_speech_is_reported_when_the_detector_finds_it():
    call = listening()

    call.send(SpeechStart(), Audio(SILENCE))
    assert call.frames(SpeechHeard) == []
    call.send(Audio(SPEECH), Audio(SPEECH), SpeechEnd())

    assert call.frames(SpeechHeard) == [SpeechHeard(1)]


def test_a_sound_that_is_no_speech_is_not_reported():
    call = listening()

    call.send(SpeechStart(), Audio(WHISPER), SpeechEnd())
    call.pass_ms(20_000)

    assert call.frames(SpeechHeard) == []
    assert call.frames(NoSpeech)


def test_typed_text_is_not_reported():
    call = listening()
    call.send(Text("hello"))
    assert call.frames(SpeechHeard) == []


def test_a_client_that_did_not_list_it_gets_no_such_frame():
    call = started()
    call.utter()
    call.send(Audio(SPEECH))
    assert call.frames(SpeechHeard) == []


def test_each_utterance_is_reported():
    call = listening()
    call.utter()
    call.live(heard("One."), *speaks("Two."))

    call.utter()

    assert call.frames(SpeechHeard) == [SpeechHeard(1), SpeechHeard(2)]


def test_an_utterance_that_is_sent_to_another_live_session_is_not_reported_again():
    call = listening()
    call.utter()

    call.lose_live()

    assert call.frames(SpeechHeard) == [SpeechHeard(1)]


def test_the_report_goes_out_before_audio_that_waits():
    call = listening()
    call.utter()
    call.takes_posts = False
    call.live(LiveAudio(SECOND), LiveAudio(SECOND), said("One two."))
    posted = len(call.posted)

    call.send(SpeechStart(), Audio(SPEECH))
    call.takes_posts = True
    call.take_post()

    after = [one.frame for one in call.posted[posted:]]
    assert isinstance(after[0], ReplyAudio)
    assert after[1] == SpeechHeard(2)


def test_a_later_worker_knows_what_the_client_takes():
    call = SessionHarness(state=replace(STATE, features=(SPEECH_HEARD,)))
    call.start()

    call.utter()

    assert call.frames(SpeechHeard) == [SpeechHeard(1)]
