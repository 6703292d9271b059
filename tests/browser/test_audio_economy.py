"""A client with the detector sends little more than the speech, and the same words are heard."""

from typing import TYPE_CHECKING

import pytest

from local.demo.recorded_script import word_error_rate
from local.stack import PROJECT
from tests.browser.own_page import call_from_own_page
from tests.browser.speech import RATE_HZ, recorded, silence

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage
    from tests.browser.talk_page import TalkPage

pytestmark = pytest.mark.browser

RECORDINGS = PROJECT / "local" / "recordings"
UTTERANCES = (
    "default/1-greeting",
    "default/2-booking",
    "default/3-recall",
    "alternative/1-greeting",
    "alternative/2-booking",
    "alternative/3-recall",
    "second_user/1-greeting",
    "default/2-booking",
    "order/1-order",
    "default/3-recall",
)
MINUTE_S = 60.0
ARE_HEARD = """count => instruments.frames.filter(({ frame }) =>
  frame.type === "transcript" && frame.role === "user" && frame.text.trim()).length >= count"""
# The recognizer takes an "and" for an "in" from time to time. A detector that loses the first
# syllable of each utterance costs ten words of 85.
RECOGNIZER_ERROR = 0.04


def _minute() -> tuple[bytes, float]:
    """Return a minute of a caller's audio, and the seconds of speech in it."""
    spoken = [recorded(RECORDINGS / f"{name}.wav") for name in UTTERANCES]
    # Each recording has 150 ms of silence on either side.
    speech_s = sum(len(pcm) / 2 / RATE_HZ - 0.3 for pcm in spoken)
    pause_s = (MINUTE_S - sum(len(pcm) / 2 / RATE_HZ for pcm in spoken)) / len(spoken)
    return b"".join(pcm + silence(pause_s) for pcm in spoken), speech_s


def _sent_s(page: "TalkPage") -> float:
    sent = (each for each in page.frames("audio") if each["direction"] == "sent")
    base64_characters: int = sum(each["frame"]["data"] for each in sent)
    return base64_characters * 3 / 4 / 2 / RATE_HZ


def _heard(page: "TalkPage") -> str:
    frames = (each["frame"] for each in page.frames("transcript"))
    spoken = (frame["text"].strip() for frame in frames if frame["role"] == "user")
    return " ".join(text for text in spoken if text)


def test_the_detector_saves_the_pauses_and_loses_no_word(open_page: "OpenPage") -> None:
    audio, speech_s = _minute()
    with_detector = call_from_own_page(open_page, detector=True)
    without = call_from_own_page(open_page, detector=False)

    # Both calls run in the same minute, and the recognizer is behind on a busy machine.
    for page in (with_detector, without):
        page.start_saying(audio)
    for page in (with_detector, without):
        page.until("instruments.hasSaid()", within_ms=2 * MINUTE_S * 1000)
        page.until(ARE_HEARD, len(UTTERANCES), within_ms=MINUTE_S * 1000)

    assert 23 <= speech_s <= 25
    assert _sent_s(with_detector) <= 30
    assert _sent_s(without) >= MINUTE_S
    assert word_error_rate(_heard(without), _heard(with_detector)) <= RECOGNIZER_ERROR
