"""The user speaks into a reply, the line is cut in a reply, and the page is reloaded."""

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.speech import spoken
from tests.integration.running import RunningStack, without_silence

if TYPE_CHECKING:
    from tests.browser.talk_page import TalkPage

pytestmark = pytest.mark.browser

QUESTION = "Which times are free on Monday?"


def test_speech_into_a_reply_silences_it_and_memory_ends_where_the_playback_did(
    page: "TalkPage", running: RunningStack
) -> None:
    interjection = spoken(running, "My name is Ada.")
    page.start_call()
    page.type(QUESTION)
    page.wait_for_frame("audio")
    page.page.wait_for_timeout(1_500)

    page.say(interjection)

    interrupted = page.wait_for_frame("interrupted")
    page.wait_for_frame("turn_end", 2)
    assert page.silent_after_ms(interrupted["played_frame"]) <= 150
    page.see("Hello Ada, how can I help you?")
    reply = page.reply(turn=1)
    assert reply.endswith(page.remembered()[0]["said"]["text"])


def test_a_line_that_is_cut_in_a_reply_loses_and_repeats_no_sample(
    page: "TalkPage", running: RunningStack
) -> None:
    earlier = len(running.records())
    page.start_call()
    page.order_fault(kind="slow_reply", speed=1.2)
    page.type(QUESTION)
    page.wait_for_frame("audio")
    page.page.wait_for_timeout(1_000)

    page.cut_line(5)

    assert page.frames("turn_end") == []  # it was cut in mid-reply

    page.wait_for_frame("ready", 2)
    page.wait_for_frame("turn_end")
    page.wait_until_played()
    replies = [reply for record in running.records()[earlier:] for reply in record.replies]
    played = page.played().samples.tobytes()
    assert without_silence(played) == without_silence(b"".join(replies))
    assert len(page.frames("ready")) == 2


def test_after_a_reload_the_same_call_goes_on(page: "TalkPage") -> None:
    page.start_call()
    page.type("My name is Ada.")
    page.see("Hello Ada, how can I help you?")
    page.wait_until_played()
    session = page.wait_for_frame("ready")["frame"]["session_id"]

    page.page.reload()

    assert page.wait_for_frame("ready")["frame"]["session_id"] == session
    page.see("Hello Ada, how can I help you?")
    page.type("What is my name?")
    page.see(re.compile("Your name is Ada"))
