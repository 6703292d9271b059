"""The bookkeeping detector on real speech and real silence."""

import pytest

from local.speech import read_wav
from repartee.adapters.speech_detector import WebRtcSpeechDetector
from repartee.domain.speech import SpeechEdge

pytestmark = pytest.mark.unit

SILENCE = b"\0" * 32_000
RECORDING = "local/recordings/default/1-greeting.wav"


def edges(pcm: bytes, chunk_bytes: int) -> list[SpeechEdge]:
    detector = WebRtcSpeechDetector()
    heard = (
        detector.hear(pcm[start : start + chunk_bytes]) for start in range(0, len(pcm), chunk_bytes)
    )
    return [edge for edge in heard if edge is not None]


@pytest.fixture
def greeting(request: pytest.FixtureRequest) -> bytes:
    return read_wav(request.config.rootpath / RECORDING).pcm


@pytest.mark.parametrize("chunk_bytes", [640, 6400, 1000, 16_000])
def test_an_utterance_between_silences_has_one_onset_and_one_end(greeting, chunk_bytes):
    assert edges(SILENCE + greeting + SILENCE, chunk_bytes) == [SpeechEdge.ONSET, SpeechEdge.END]


def test_silence_alone_has_no_edge():
    assert edges(SILENCE * 3, 6400) == []


def test_a_click_is_no_speech():
    click = b"\xff\x7f" * 160
    assert edges(SILENCE + click + SILENCE, 6400) == []


def test_a_detector_that_forgot_hears_no_end_of_what_it_heard_before(greeting):
    detector = WebRtcSpeechDetector()
    assert detector.hear(greeting[: len(greeting) // 2 * 2]) is SpeechEdge.ONSET
    detector.forget()

    assert detector.hear(SILENCE) is None
    assert detector.hear(greeting[:32_000]) is SpeechEdge.ONSET


def test_an_utterance_that_goes_on_has_no_end_yet(greeting):
    assert edges(SILENCE + greeting[: len(greeting) // 2 * 2], 6400)[:1] == [SpeechEdge.ONSET]
