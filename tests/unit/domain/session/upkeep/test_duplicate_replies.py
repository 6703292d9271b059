"""A second reply to input that the model received twice reaches neither the user nor the memory."""

from collections.abc import Callable

import pytest

from repartee.domain.live.model import LiveAudio, LiveEvent, LiveToolCall
from repartee.domain.protocol.frames import SessionClosed
from repartee.domain.protocol.messages import Text
from repartee.domain.session.effects import FinishReason, OpenLive, SendText
from repartee.domain.session.events import FromLive
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.upkeep.utterance_retry import UNHEARD_AFTER_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from tests.session_harness import COMPLETE, IDLE, SECOND, SessionHarness, said, speaks, started
from tests.unit.domain.session.memory.limited_calls import (
    DOLLAR,
    beginning_with,
    goodbyes,
    used,
)

pytestmark = pytest.mark.unit

ANSWER = "Hello David."


def uttered_again(call: SessionHarness) -> None:
    """The model gets a short utterance twice."""
    call.utter()
    call.pass_ms(UNHEARD_AFTER_MS)


def nudged(call: SessionHarness) -> None:
    """The model gets a text, and a nudge when it is slow."""
    call.send(Text("My name is David."))
    call.pass_ms(STALL_MS)
    assert call.texts[-1] == NUDGE


repeated = pytest.mark.parametrize("repeat_input", [uttered_again, nudged])
type RepeatInput = Callable[[SessionHarness], None]


def answer_again(call: SessionHarness, *before: LiveEvent) -> None:
    """The first Live session sends the second reply."""
    for event in (*before, *speaks(ANSWER), COMPLETE):
        call.feed(FromLive(1, event))


@repeated
def test_the_second_reply_is_dropped(repeat_input: RepeatInput) -> None:
    call = started()
    repeat_input(call)
    call.live(*speaks(ANSWER), COMPLETE)
    answer_again(call)
    call.ack()

    assert call.replies == [ANSWER]
    assert len(call.pcm_posted(1)) == len(SECOND)


@repeated
def test_a_tool_call_in_the_second_reply_does_not_run(repeat_input: RepeatInput) -> None:
    call = started()
    repeat_input(call)
    call.live(*speaks(ANSWER), COMPLETE)
    answer_again(call, LiveToolCall("y", "ask_core_agent", '{"question":"When?"}'))
    call.ack()

    assert (call.replies, call.asked) == ([ANSWER], [])


@repeated
def test_the_answer_of_a_tool_is_no_second_reply(repeat_input: RepeatInput) -> None:
    call = started()
    repeat_input(call)
    call.live(LiveToolCall("x", "ask_core_agent", '{"question":"When?"}'), *speaks("Wait."), IDLE)
    call.answer_tool("At three.")
    call.live(*speaks("At three."), COMPLETE)
    call.ack()

    assert call.replies == ["Wait.", "At three."]


@repeated
def test_the_second_reply_is_not_taken_for_the_goodbye(repeat_input: RepeatInput) -> None:
    call = beginning_with(used(cost_usd="4.5"))
    repeat_input(call)
    call.live(*speaks(ANSWER), DOLLAR, COMPLETE)
    answer_again(call)
    assert goodbyes(call) == 1
    call.live(*speaks("That is all for today."), COMPLETE)
    call.ack()
    call.ack()

    assert call.wait_for_end() is FinishReason.ENDED
    assert call.replies == [ANSWER, "That is all for today."]
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert len(call.all(OpenLive)) == 2


@repeated
def test_the_goodbye_waits_for_the_live_session_that_received_nothing_twice(
    repeat_input: RepeatInput,
) -> None:
    call = beginning_with(used(cost_usd="4.5"))
    repeat_input(call)
    call.opens_live = False
    call.live(*speaks(ANSWER), DOLLAR, COMPLETE)
    call.ack()
    assert (goodbyes(call), call.frames(SessionClosed)) == (0, [])

    call.open_live()

    assert goodbyes(call) == 1
    assert len(call.all(OpenLive)) == 2


def test_a_user_who_gave_nothing_twice_hears_the_goodbye_in_the_same_live_session() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    call.utter()
    call.live(*speaks(ANSWER), DOLLAR, COMPLETE)

    assert (goodbyes(call), len(call.all(OpenLive))) == (1, 1)


@repeated
def test_the_second_reply_is_not_taken_for_the_response_to_a_cue(repeat_input: RepeatInput) -> None:
    call = started()
    received = len(call.posted)
    repeat_input(call)
    # This is more than is buffered, so the model must say it again to a client that returns.
    call.live(*[LiveAudio(SECOND)] * 40)
    call.hello("B", received=received)
    call.live(said(ANSWER), COMPLETE)
    answer_again(call)
    (cue,) = [one.text for one in call.all(SendText) if ANSWER in one.text]
    assert SendText(cue) in call.to_model[2]
    call.live(*speaks(f"Again: {ANSWER}"), COMPLETE)
    call.ack()
    call.ack()

    assert call.replies == [ANSWER, f"Again: {ANSWER}"]
