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
# Each recording has 150 ms of silence on either side; together they hold 24 s of speech.
MINUTE_S = 60.0
SHORTER_S = 45.0
ARE_HEARD = """count => instruments.frames.filter(({ frame }) =>
  frame.type === "transcript" && frame.role === "user" && frame.text.trim()).length >= count"""
# The recognizer takes an "and" for an "in" from time to time. A detector that loses the first
# syllable of each utterance costs ten words of 85.
RECOGNIZER_ERROR = 0.04


def _spoken(length_s: float) -> bytes:
    """Return a caller's audio: the utterances, each with a pause after it."""
    spoken = [recorded(RECORDINGS / f"{name}.wav") for name in UTTERANCES]
    pause_s = (length_s - sum(len(pcm) / 2 / RATE_HZ for pcm in spoken)) / len(spoken)
    return b"".join(pcm + silence(pause_s) for pcm in spoken)


def _sent_s(page: "TalkPage") -> float:
    sent = (each for each in page.frames("audio") if each["direction"] == "sent")
    base64_characters: int = sum(each["frame"]["data"] for each in sent)
    return base64_characters * 3 / 4 / 2 / RATE_HZ


def _heard(page: "TalkPage") -> str:
    frames = (each["frame"] for each in page.frames("transcript"))
    spoken = (frame["text"].strip() for frame in frames if frame["role"] == "user")
    return " ".join(text for text in spoken if text)


def _call(open_page: "OpenPage", length_s: float, *, detector: bool) -> "TalkPage":
    """Speak in a call; return its page when everything was heard."""
    page = call_from_own_page(open_page, detector=detector)
    page.say(_spoken(length_s))
    # The recognizer is behind on a busy machine.
    page.until(ARE_HEARD, len(UTTERANCES), within_ms=3 * MINUTE_S * 1000)
    page.page.evaluate("call.disconnect()")
    return page


def test_the_detector_saves_the_pauses_and_loses_no_word(open_page: "OpenPage") -> None:
    with_detector = _call(open_page, MINUTE_S, detector=True)
    # The words are the same with shorter pauses.
    without = _call(open_page, SHORTER_S, detector=False)

    assert _sent_s(with_detector) <= 30
    assert _sent_s(without) >= SHORTER_S
    assert word_error_rate(_heard(without), _heard(with_detector)) <= RECOGNIZER_ERROR
