"""The recognizer: recordings, other sounds, and speech that rooms and microphones have changed."""

import random
import re
from array import array
from collections.abc import Callable
from math import pi, sin

import audioop
import pytest

from local.gemini.speech.decoder import Recognizer
from local.stack import PROJECT
from repartee_client.recordings import read_wav

pytestmark = pytest.mark.integration

RECORDINGS = PROJECT / "local" / "recordings"
WISH = "i'd like to see the doctor on friday at three in the afternoon"
SECOND = bytes(32_000)


def plain(text: str) -> str:
    """Return a text without what the model writes in one way or another."""
    return re.sub(r"[.,?]", "", text.lower()).replace("-", " ").replace("at 3 ", "at three ")


def recording(name: str) -> bytes:
    return read_wav(RECORDINGS / f"{name}.wav").pcm


def samples(seconds: float, at: Callable[[int], float]) -> bytes:
    return array("h", (round(at(index)) for index in range(round(seconds * 16_000)))).tobytes()


def noise(seconds: float, volume: float) -> bytes:
    spread = random.Random(5)  # noqa: S311 - the same noise in each run
    return samples(seconds, lambda _: max(-32_768, min(32_767, spread.gauss(0, volume))))


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    return Recognizer()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("default/1-greeting", "hello my name is robert"),
        ("default/2-booking", WISH),
        ("default/3-recall", "can you tell me my name and when my appointment is"),
        ("alternative/2-booking", "i'd like to see the doctor on tuesday at eleven in the morning"),
        ("second_user/1-greeting", "hello my name is david"),
        ("order/1-order", "where is my order forty two"),
    ],
)
def test_recordings_are_heard(recognizer: Recognizer, name: str, words: str) -> None:
    assert plain(recognizer.recognize(recording(name))) == words


@pytest.mark.parametrize(
    "change",
    [
        lambda pcm: SECOND + pcm + SECOND,
        lambda pcm: audioop.mul(pcm, 2, 0.1),
        lambda pcm: audioop.mul(pcm, 2, 3.0),
        lambda pcm: audioop.add(pcm, noise(len(pcm) / 32_000, 60), 2),
    ],
    ids=["quiet around it", "low", "clipped", "room noise"],
)
def test_a_wish_is_heard_through_changes(
    recognizer: Recognizer, change: Callable[[bytes], bytes]
) -> None:
    assert plain(recognizer.recognize(change(recording("default/2-booking")))) == WISH


def test_two_sentences_with_a_pause_are_one_utterance(recognizer: Recognizer) -> None:
    pause = bytes(19_200)
    pcm = recording("second_user/1-greeting") + pause + recording("default/2-booking")

    assert plain(recognizer.recognize(pcm)) == f"hello my name is david {WISH}"


def test_speech_of_half_a_minute_is_heard_to_its_end(recognizer: Recognizer) -> None:
    text = recognizer.recognize(recording("default/2-booking") * 8)

    assert text.count("doctor on Friday") == 8
    assert recognizer.recognize(SECOND * 2) == ""


@pytest.mark.parametrize(
    "pcm",
    [
        b"",
        bytes(2),
        SECOND * 2,
        noise(2, 300),
        noise(2, 3_000),
        noise(2, 20_000),
        samples(2, lambda at: 9_000 * sin(2 * pi * 50 * at / 16_000)),
        samples(2, lambda at: 16_000 * sin(2 * pi * 440 * at / 16_000)),
        samples(2, lambda at: 30_000 if at % 6_000 < 300 else 0),
    ],
    ids=["empty", "a sample", "silence", "hiss", "noise", "loud noise", "hum", "tone", "knocks"],
)
def test_other_sounds_have_no_words(recognizer: Recognizer, pcm: bytes) -> None:
    assert recognizer.recognize(pcm) == ""
