"""Typed text is a separate turn, even directly before or after other input."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio, LiveInterrupted
from repartee.domain.protocol.messages import Audio, Bye, Message, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import FinishReason, SendAudio, SendText
from repartee.domain.session.events import TimeRunningOut
from repartee.domain.session.timing import FORCED_HAND_OVER_MS
from repartee.domain.session.upkeep.departure import CLOSING_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    remembering,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

ONE, TWO, THREE = Text("One?"), Text("Two?"), Text("Three?")
SPOKEN = (SpeechStart(), Audio(SPEECH), SpeechEnd())


def in_one_go(call: SessionHarness, *messages: Message) -> None:
    call.read(*(call.numbered(message) for message in messages))


def given(call: SessionHarness) -> list[str]:
    """The inputs of the current Live session, with speech as one word."""
    sent = [one for one in call.to_model[call.generation] if isinstance(one, SendText | SendAudio)]
    return [one.text if isinstance(one, SendText) else "speech" for one in sent]


def answer_all(call: SessionHarness, limit: int = 5) -> None:
    """The model answers each input in order, and transcribes speech."""
    answered = 0
    while len(given(call)) > answered and limit:
        assert len(given(call)) == answered + 1, "two things at once"
        what = given(call)[answered]
        if what == "speech":
            call.live(heard("Spoken?", final=True))
        call.reply(f"To {what}")
        call.ack()
        answered, limit = answered + 1, limit - 1


@pytest.mark.parametrize(
    "messages",
    [
        (ONE, TWO),
        (ONE, TWO, THREE),
        (ONE, *SPOKEN),
        (*SPOKEN, ONE),
        (ONE, *SPOKEN, TWO),
        (*SPOKEN, ONE, TWO),
        (ONE, ONE),
    ],
)
@pytest.mark.parametrize("way", ["one go", "one by one", "before the model listens", "taken over"])
def test_each_is_answered_and_remembered_once_and_in_order(messages: tuple[Message, ...], way: str):
    call = SessionHarness(
        opens_live=way != "before the model listens",
        is_takeover=way == "taken over",
        state=replace(STATE, cursor=0),
    )
    if way == "taken over":
        call.now_ms += 1
        waiting = [call.numbered(message) for message in messages]
        call.now_ms += 1
        call.start()
        call.read(*waiting)
    else:
        call.start()
        if way == "one by one":
            call.send(*messages)
        else:
            in_one_go(call, *messages)
        if not call.opens_live:
            call.pass_ms(500)
            call.open_live()

    answer_all(call)

    expected = [
        (one.text, f"To {one.text}") if isinstance(one, Text) else ("Spoken?", "To speech")
        for one in messages
        if not isinstance(one, SpeechStart | SpeechEnd)
    ]
    assert call.exchanges == expected
    assert call.machine.cursor == len(messages)


def test_while_the_model_replies_a_text_interrupts_and_the_next_one_waits():
    call = started()
    call.send(ONE)
    call.live(*speaks("A long story"))
    call.ack(turn=1, played_ms=1_000)
    in_one_go(call, TWO, THREE)
    assert given(call) == ["One?", "Two?"]
    call.live(LiveInterrupted(), COMPLETE)
    assert given(call) == ["One?", "Two?"]
    call.reply("To Two?")
    call.ack()
    call.reply("To Three?")
    call.ack()

    assert call.exchanges == [
        ("One?", "A long story"),
        ("Two?", "To Two?"),
        ("Three?", "To Three?"),
    ]


def test_a_text_that_waited_does_not_interrupt_the_answer_that_it_waited_for():
    call = started()
    in_one_go(call, ONE, TWO)
    call.live(*speaks("To One?"))
    call.pass_ms(3_000)
    assert given(call) == ["One?"]
    call.live(IDLE)

    assert given(call) == ["One?", "Two?"]


@pytest.mark.parametrize("filler", [[], [LiveAudio(SECOND)]])
def test_during_a_blocking_call_texts_wait_for_its_answer(filler: list[LiveAudio]):
    tools = tuple(replace(tool, blocking=True) for tool in SETTINGS.tools)
    call = started(settings=replace(SETTINGS, tools=tools))
    call.send(ONE)
    call.live(*filler)
    call.call_tool()
    call.send(TWO)
    call.send(THREE)
    call.pass_ms(2_000)
    call.answer_tool()
    call.pass_ms(100)
    assert given(call) == ["One?"]
    call.reply("At three.")
    assert given(call) == ["One?", "Two?"]
    call.reply("To Two?")
    call.reply("To Three?")
    call.ack()

    assert [turn.heard for turn in call.remembered] == ["One?", "Two?", "Three?"]


def test_speech_that_continues_as_the_reply_to_a_text_begins_interrupts_it():
    call = started()
    call.send(ONE, SpeechStart(), Audio(SPEECH))
    assert given(call) == ["One?"]
    call.live(LiveAudio(SECOND))

    assert given(call) == ["One?", "speech"]


def test_the_speech_of_an_open_microphone_after_a_text_is_a_turn_and_does_not_wait():
    call = started()
    call.send(ONE, Audio(SPEECH))
    assert given(call) == ["One?", "speech"]
    call.reply("To One?")
    call.live(heard("Spoken?"))
    call.reply("To speech")
    call.ack()

    assert call.exchanges == [("One?", "To One?"), ("Spoken?", "To speech")]


def test_a_text_does_not_wait_for_an_answer_to_speech_that_has_not_ended():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH), ONE, Audio(SPEECH), SpeechEnd())

    assert given(call) == ["speech", "One?", "speech"]


def test_the_last_of_two_texts_is_answered_before_the_call_that_is_hung_up_ends():
    call = started()
    in_one_go(call, ONE, TWO, Bye())
    call.reply("To One?")
    assert call.finish() is None
    call.reply("To Two?")
    call.ack()

    assert call.exchanges == [("One?", "To One?"), ("Two?", "To Two?")]
    assert call.finish() is FinishReason.ENDED


def test_a_text_that_waits_is_left_to_the_worker_that_follows_where_time_is_up():
    call = started()
    in_one_go(call, ONE, TWO)
    call.feed(TimeRunningOut(FORCED_HAND_OVER_MS))
    call.ack()
    call.pass_ms(CLOSING_MS)

    assert call.finish() is FinishReason.HAND_OVER
    assert (given(call), call.machine.cursor) == (["One?"], 1)


def test_texts_of_a_turn_that_is_cut_off_are_given_again_one_by_one():
    call = started()
    in_one_go(call, ONE, TWO)
    call.live(LiveAudio(SECOND))
    call.lose_live()
    answer_all(call)

    assert call.exchanges == [("One?", "To One?"), ("Two?", "To Two?")]


def test_a_text_that_waits_for_an_answer_that_never_comes_is_given_in_the_end():
    call = started(memory=remembering())
    in_one_go(call, ONE, TWO)
    call.pass_ms(60_000)

    assert SendText("Two?") in call.all(SendText)
