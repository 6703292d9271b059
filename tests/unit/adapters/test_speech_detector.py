"""The bookkeeping detector on real speech, on sounds that are none, and on silence."""

import array
import math
import random

import pytest

from repartee.adapters.speech_detector import WebRtcSpeechDetector
from repartee.domain.speech_detection import SpeechEdge
from repartee_client.recordings import read_wav

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


def noise(ms: int, loudness: float, fades_in_ms: float = math.inf) -> bytes:
    """White noise from a fixed seed, fading by half in about ``fades_in_ms``."""
    chance = random.Random(ms)  # noqa: S311 - repeatable
    samples = (chance.gauss(0, loudness) * 2 ** (-n / 16 / fades_in_ms) for n in range(16 * ms))
    return array.array("h", (int(max(-32_768, min(32_767, one))) for one in samples)).tobytes()


def scaled(pcm: bytes, factor: float) -> bytes:
    samples = memoryview(pcm).cast("h")
    return array.array("h", (int(one * factor) for one in samples)).tobytes()


def whispered(pcm: bytes) -> bytes:
    """Noise that is as loud as the speech, frame by frame, at a third: speech without a pitch."""
    frames = (memoryview(pcm[at : at + 640]).cast("h") for at in range(0, len(pcm) - 639, 640))
    chance = random.Random(1)  # noqa: S311 - repeatable
    return array.array(
        "h",
        (
            int(max(-32_768, min(32_767, chance.gauss(0, loudness / 3))))
            for frame in frames
            for loudness in [math.sqrt(math.sumprod(frame, frame) / len(frame))]
            for _ in frame
        ),
    ).tobytes()


@pytest.mark.parametrize(
    "sound",
    [
        noise(600, 5),
        noise(600, 30),
        noise(600, 500),
        SILENCE[:3_200] + b"\xff\x7f" * 800 + SILENCE[:9_600],
        SILENCE[:3_200] + noise(50, 12_000, 5) + SILENCE[:9_600],
        noise(200, 20) + noise(200, 12_000, 20) + noise(400, 20),
        SILENCE[:3_200] + noise(150, 9_000) + SILENCE[:9_600],
    ],
    ids=["hiss", "quiet noise", "fan", "click", "tap", "knock", "short cough"],
)
def test_a_sound_too_short_or_too_even_for_a_word_is_no_speech(sound):
    assert edges(sound, 6400) == []


@pytest.mark.parametrize(
    "sound",
    [noise(300, 8_000, 200), noise(200, 9_000, 90) + SILENCE[:4_800] + noise(250, 7_000, 90)],
    ids=["cough", "two coughs"],
)
def test_a_cough_is_a_sound_and_no_speech(sound):
    padded = SILENCE[:3_200] + sound + SILENCE[:9_600]
    assert SpeechEdge.ONSET not in edges(padded, 6400)


def test_a_whisper_is_a_sound(greeting):
    assert edges(whispered(greeting), 6400) == [SpeechEdge.SOUND]


def test_somebody_far_away_speaks_or_makes_a_sound(greeting):
    assert edges(scaled(greeting, 0.1), 6400)[0] is SpeechEdge.ONSET
    assert edges(scaled(greeting, 0.02), 6400)[0] is SpeechEdge.SOUND


def test_a_detector_that_forgot_hears_no_end_of_what_it_heard_before(greeting):
    detector = WebRtcSpeechDetector()
    assert detector.hear(greeting[: len(greeting) // 2 * 2]) is SpeechEdge.ONSET
    detector.forget()

    assert detector.hear(SILENCE) is None
    assert detector.hear(greeting[:32_000]) is SpeechEdge.ONSET


def test_a_continuing_utterance_has_no_end_yet(greeting):
    assert edges(SILENCE + greeting[: len(greeting) // 2 * 2], 6400)[:1] == [SpeechEdge.ONSET]
