"""The user speaks into a reply, the line is cut in a reply, and the page is reloaded."""

import base64
import re
from array import array
from typing import TYPE_CHECKING

import pytest

from tests.browser.speech import PLAYBACK_RATE_HZ, spoken
from tests.integration.running import RunningStack, without_silence

if TYPE_CHECKING:
    from tests.browser.talk_page import TalkPage

pytestmark = pytest.mark.browser

SAMPLES_PER_MS = PLAYBACK_RATE_HZ / 1000
# Its answer takes some seconds on each day.
QUESTION = "What are your opening hours?"
KEEP_RECORDING = """() => addEventListener("pagehide", () => {
  sessionStorage.setItem("recording", instruments.readRecording(-1).pcm);
})"""


def test_speech_into_a_reply_silences_it_and_memory_ends_where_the_playback_did(
    page: "TalkPage", running: RunningStack
) -> None:
    interjection = spoken(running, "My name is Ada.")
    earlier = len(running.records())
    page.start_call()
    page.type("What can you do?")
    page.wait_for_frame("audio")
    page.page.wait_for_timeout(300)

    page.say(interjection)

    interrupted = page.wait_for_frame("interrupted")
    page.wait_for_frame("turn_end", 2)
    page.see("Hello Ada, how can I help you?")
    silent_after_ms = page.silent_after_ms(interrupted["played_frame"])
    assert silent_after_ms <= 150
    # The page reports, and the conversation remembers, as much of the reply as was played.
    reply = array("h", running.records()[earlier].replies[0])
    quiet_ms = next(index for index, sample in enumerate(reply) if sample) / SAMPLES_PER_MS
    heard_ms = quiet_ms + page.sound_before_ms(interrupted["played_frame"]) + silent_after_ms
    acks = [each["frame"] for each in page.frames("ack")]
    reported_ms = max(ack["played_ms"] for ack in acks if ack.get("turn") == 1)
    assert reported_ms == pytest.approx(heard_ms, abs=100)
    said = page.remembered()[0]["said"]["text"]
    transcripts = [each["frame"] for each in page.frames("transcript")]
    answer = "".join(frame["text"] for frame in transcripts if frame["turn"] == 1)
    assert answer.startswith(said)
    heard_share = heard_ms / (len(reply) / SAMPLES_PER_MS)
    # A word that was cut is not remembered.
    assert len(said) / len(answer) == pytest.approx(heard_share, abs=0.25)


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


def test_a_reload_in_a_reply_goes_on_with_the_rest_of_the_reply(
    page: "TalkPage", running: RunningStack
) -> None:
    earlier = len(running.records())
    page.start_call()
    page.type(QUESTION)
    page.wait_for_frame("audio")
    page.page.wait_for_timeout(1_000)
    page.page.evaluate(KEEP_RECORDING)

    page.page.reload()

    kept = page.page.evaluate("sessionStorage.getItem('recording')")
    before = without_silence(base64.b64decode(kept))

    page.wait_until_played()
    after = without_silence(page.played().samples.tobytes())
    replies = [reply for record in running.records()[earlier:] for reply in record.replies]
    reply = without_silence(b"".join(replies))
    assert reply.startswith(before)
    assert reply.endswith(after)
    # The page plays on for a moment, until the browser unloads it.
    between_ms = (len(reply) - len(before) - len(after)) / 2 / SAMPLES_PER_MS
    assert -100 <= between_ms <= 500
