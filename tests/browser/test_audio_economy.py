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
HEARD_WITHIN_S = 30
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


def _heard(page: "TalkPage") -> list[str]:
    frames = (each["frame"] for each in page.frames("transcript"))
    spoken = (frame["text"].strip() for frame in frames if frame["role"] == "user")
    return [text for text in spoken if text]


def _call(open_page: "OpenPage", audio: bytes, *, detector: bool) -> tuple[float, str]:
    """Speak in a call; return the seconds that were sent and the words that were heard."""
    page = call_from_own_page(open_page, detector=detector)
    page.say(audio)
    for _ in range(HEARD_WITHIN_S):
        if len(_heard(page)) >= len(UTTERANCES):
            break
        page.page.wait_for_timeout(1_000)
    page.page.evaluate("call.disconnect()")
    return _sent_s(page), " ".join(_heard(page))


def test_the_detector_saves_the_pauses_and_loses_no_word(open_page: "OpenPage") -> None:
    audio, speech_s = _minute()

    sent_s, heard = _call(open_page, audio, detector=True)
    all_s, all_heard = _call(open_page, audio, detector=False)

    assert 23 <= speech_s <= 25
    assert sent_s <= 30
    assert all_s >= MINUTE_S
    assert word_error_rate(all_heard, heard) <= RECOGNIZER_ERROR
