"""Whole conversations on the page, spoken and typed."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.speech import recorded, silence, spoken, write_wav
from tests.integration.running import RECORDINGS, RunningStack

if TYPE_CHECKING:
    from tests.browser.conftest import OpenChromium, OpenPage
    from tests.browser.talk_page import TalkPage

pytestmark = pytest.mark.browser

# The page hears what is said a moment later.
PAUSE = silence(0.5)
GREETING, BOOKING = (RECORDINGS / "default" / f"{name}.wav" for name in ("1-greeting", "2-booking"))


def test_a_typed_text_is_answered_aloud_in_a_spoken_call(page: "TalkPage") -> None:
    page.start_call()
    page.type("My name is Ada.")

    page.see("Hello Ada, how can I help you?")
    page.wait_until_played()
    assert any(page.played().samples)


def test_a_call_without_a_microphone_is_typed(page: "TalkPage") -> None:
    page.start_call("Type instead")
    page.type("My name is Ada.")

    page.see("Hello Ada, how can I help you?")
    assert not page.page.evaluate("instruments.hasMicrophone()")


def test_stop_ends_a_reply_and_the_call_goes_on(page: "TalkPage") -> None:
    page.start_call()
    page.type("What are your opening hours?")
    page.wait_for_frame("audio")
    page.page.wait_for_timeout(800)

    page.press("Stop")

    stopped = page.wait_for_frame("stop", direction="sent")
    page.wait_for_frame("interrupted")
    page.wait_until_played()
    assert page.silent_after_ms(stopped["played_frame"]) <= 150
    page.type("What is the weather like?")
    page.wait_for_frame("turn_end", 2)


def test_with_push_to_talk_the_page_sends_what_is_said_while_the_button_is_held(
    page: "TalkPage", running: RunningStack
) -> None:
    page.start_call()
    page.press("Push to talk")
    page.say(spoken(running, "My name is Linda.") + PAUSE)
    assert page.frames("speech_start") == []

    page.button(re.compile("Hold to talk")).hover()
    page.page.mouse.down()
    page.say(spoken(running, "My name is Robert.") + PAUSE)
    page.page.mouse.up()

    page.see("Hello Robert, how can I help you?")
    assert len(page.frames("speech_start")) == 1
    assert len(page.frames("speech_end")) == 1


def test_a_muted_microphone_sends_nothing(page: "TalkPage", running: RunningStack) -> None:
    page.start_call()
    page.press("Mute")
    page.say(spoken(running, "My name is Linda.") + PAUSE)
    page.press("Unmute")
    page.say(spoken(running, "My name is Robert."))

    page.see("Hello Robert, how can I help you?")
    assert len(page.frames("speech_start")) == 1


def test_both_sides_of_a_spoken_conversation_are_captioned(
    open_page: "OpenPage", open_chromium: "OpenChromium", tmp_path: Path
) -> None:
    wav = write_wav(
        tmp_path / "speech.wav",
        *(silence(3), recorded(GREETING), silence(8), recorded(BOOKING), silence(60)),
    )
    # The only conversation over Chromium's own fake device, with its processing of sound.
    browser = open_chromium(f"--use-file-for-fake-audio-capture={wav}%noloop")
    page = open_page(browser=browser, instruments=("recorder", "frames"))

    page.start_call()

    page.see(re.compile("my name is robert", re.IGNORECASE))
    page.see("Hello Robert, how can I help you?")
    page.see(re.compile("see the doctor on friday", re.IGNORECASE))
    page.see(re.compile("Your appointment is booked for Friday"))
    page.wait_for_frame("turn_end", 2)
    assert any(page.played().samples)
    page.press("Hang up")
    page.see("Call ended")
