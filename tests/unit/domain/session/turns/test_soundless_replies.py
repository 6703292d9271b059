"""The text of a silent reply is shown, and the user still gets an audible reply."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveEvent, LiveInterrupted, LiveText
from repartee.domain.protocol.frames import SessionError, Transcript, TurnEnd, TurnRestarted
from repartee.domain.protocol.messages import Audio, SpeechStart, Text
from repartee.domain.session.client.frame_bundles import HOLD_MS
from repartee.domain.session.effects import OpenLive, SendText
from repartee.domain.session.timing import SPEAK_WITHIN_MS, STALL_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from tests.fakes.speech_detector import SPEECH
from tests.personas import PHRASES
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SessionHarness,
    heard,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

# A mean amplitude of 18, as in google-gemini/gemini-live-api-examples#40.
NEAR_SILENCE = LiveAudio(b"\x12\x00\xee\xff" * 12_000)


SOUNDLESS = [
    pytest.param([LiveText("From nine to five.")], id="text"),
    pytest.param([LiveText("From nine "), LiveText("to five.")], id="text in parts"),
    pytest.param([NEAR_SILENCE, said("From nine to five.")], id="near silence"),
    pytest.param([said("From nine to five.")], id="transcript"),
]


def asking() -> SessionHarness:
    call = started()
    call.utter()
    call.live(heard("When are you open?"))
    return call


def nudges(call: SessionHarness) -> int:
    return call.texts.count(NUDGE)


def screen(call: SessionHarness, turn: int = 1) -> dict[str, str]:
    """The text that a client shows of a turn in the end."""
    shown = {"user": "", "model": ""}
    for one in call.posted:
        match one.frame:
            case TurnRestarted(turn=number) if number == turn:
                shown = {"user": "", "model": ""}
            case Transcript(turn=number, role=role, text=text) if number == turn:
                shown[role] += text
            case _:
                pass
    return shown


@pytest.mark.parametrize("reply", SOUNDLESS)
def test_a_reply_without_sound_is_shown_and_nudged_and_what_is_heard_then_replaces_it(
    reply: list[LiveEvent],
) -> None:
    call = asking()
    call.live(*reply, COMPLETE)
    call.pass_ms(HOLD_MS)
    assert screen(call)["model"] == "From nine to five."
    assert (nudges(call), call.frames(TurnEnd)) == (1, [])

    call.live(*speaks("We open at nine."), COMPLETE)
    call.ack()

    assert screen(call) == {"user": "When are you open?", "model": "We open at nine."}
    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("When are you open?", "We open at nine.")
    ]
    assert call.frames(TurnRestarted) == [TurnRestarted(1)]
    assert (nudges(call), len(call.all(OpenLive))) == (1, 1)


@pytest.mark.parametrize("reply", SOUNDLESS)
def test_replies_that_are_never_heard_end_in_a_fresh_session_and_an_apology(
    reply: list[LiveEvent],
) -> None:
    call = asking()
    for _ in range(2):
        call.live(*reply, COMPLETE)
    assert len(call.all(OpenLive)) == 2
    call.live(heard("When are you open?"), *reply, COMPLETE)
    call.ack()

    apology = SessionError("no_answer", PHRASES.not_understood, retryable=True)
    assert call.frames(SessionError) == [apology]
    assert screen(call) == {"user": "When are you open?", "model": "From nine to five."}
    assert call.replies == ["From nine to five."]
    assert call.ended_turns == [1]


@pytest.mark.parametrize("transcript", [[said("At nine.")], []], ids=["transcript", "text alone"])
def test_text_beside_sound_is_not_shown_twice(transcript: list[LiveEvent]) -> None:
    call = asking()
    call.live(LiveText("At nine."), LiveAudio(SECOND), *transcript, COMPLETE)
    call.ack()

    assert screen(call)["model"] == "At nine."
    assert call.replies == ["At nine."]


def test_a_reply_that_begins_in_silence_is_heard():
    call = asking()
    call.live(NEAR_SILENCE, *speaks("At nine."), COMPLETE)

    assert (nudges(call), len(call.frames(TurnEnd))) == (0, 1)
    assert len(call.pcm_posted(1)) == 2 * len(SECOND)


def test_near_silence_that_waits_to_be_played_does_not_delay_what_can_be_heard():
    call = asking()
    call.takes_posts = False
    call.live(NEAR_SILENCE, COMPLETE, *speaks("At nine."), COMPLETE)
    call.takes_posts = True
    call.take_post()

    assert call.pcm_posted(1)[-len(SECOND) :] == SECOND
    assert len(call.pcm_posted(1)) < 2 * len(SECOND)


def test_typed_words_are_not_shown_as_a_transcript():
    call = started()
    call.send(Text("When?"))
    call.live(LiveText("At nine."), COMPLETE, *speaks("At nine."), COMPLETE)
    call.ack()

    assert screen(call) == {"user": "", "model": "At nine."}
    assert [turn.heard for turn in call.turns] == ["When?"]


def test_speech_after_a_reply_without_sound_is_in_the_same_turn():
    call = asking()
    call.live(LiveText("At nine."), COMPLETE)
    call.utter()
    call.live(heard(" Hello?"), *speaks("At nine."), COMPLETE)
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("When are you open? Hello?", "At nine.")
    ]


def test_text_that_the_user_speaks_over_is_not_shown():
    call = asking()
    call.live(LiveAudio(SECOND), LiveText("A long story."))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE)

    assert screen(call)["model"] == ""


def test_text_of_a_turn_that_stalls_is_kept_when_it_is_given_up():
    call = asking()
    call.live(LiveText("At nine."))
    call.pass_ms(2 * STALL_MS)
    call.live(LiveText("At nine."))
    call.pass_ms(STALL_MS)
    call.ack()

    assert call.replies == ["At nine."]
    assert len(call.frames(SessionError)) == 1


def test_a_greeting_without_sound_is_shown_and_ends():
    call = started()
    call.live(LiveText("Welcome."), COMPLETE)
    call.ack()

    assert screen(call)["model"] == "Welcome."
    assert call.replies == ["Welcome."]
    assert nudges(call) == 0


@pytest.mark.parametrize("reply", SOUNDLESS)
@pytest.mark.parametrize("filler", ["One moment.", ""])
def test_an_answer_without_sound_is_repeated_and_heard_once(
    filler: str, reply: list[LiveEvent]
) -> None:
    call = asking()
    call.call_tool("x")
    if filler:
        call.live(*speaks(filler))
    call.live(COMPLETE)
    call.answer_tool("From nine to five.")
    call.live(*reply, COMPLETE)
    assert call.frames(TurnEnd) == []
    call.pass_ms(1_000 + SPEAK_WITHIN_MS)
    assert len(call.all(SendText)) == 1

    call.live(*speaks("From nine to five."), COMPLETE)
    call.ack()

    text = f"{filler} From nine to five.".strip()
    assert screen(call) == {"user": "When are you open?", "model": text}
    assert call.replies == [text]
    assert call.frames(SessionError) == []


def test_words_about_a_change_of_manner_are_to_be_heard():
    call = asking()
    call.call_tool("x", '{"style":"slowly"}', name="set_preferences")
    call.live(LiveText("Slowly it is."), IDLE)

    assert (nudges(call), call.frames(TurnEnd)) == (1, [])


def test_a_filler_without_sound_does_not_end_the_wait_for_its_answer():
    call = asking()
    call.call_tool("x")
    call.live(LiveText("One moment."), IDLE)

    assert nudges(call) == 0
