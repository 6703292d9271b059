"""Each question to core_agent has an outcome, and the user hears it once."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.live.model import LiveInterrupted
from repartee.domain.protocol.frames import SessionError, ToolProgress, TurnEnd
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import CommitTurn
from repartee.domain.session.timing import SPEAK_WITHIN_MS, TOOL_CALL_TIMEOUT_MS
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from tests.fakes.speech_detector import SPEECH
from tests.personas import NO_ANSWER, PHRASES
from tests.session_harness import (
    COMPLETE,
    IDLE,
    IN_PROGRESS,
    STATE,
    pending,
    remembering,
    speaks,
    started,
)
from tests.unit.domain.session.tools.booking_calls import (
    BOOKED,
    CANCELLED,
    asking,
    given,
    remembered,
    spoken_over,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("status", ToolCallStatus)
@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize(
    "events",
    [
        (LiveInterrupted(), CANCELLED, COMPLETE),
        (LiveInterrupted(), CANCELLED, IDLE),
        (CANCELLED, LiveInterrupted(), IDLE),
        (COMPLETE, CANCELLED),
        (IN_PROGRESS, CANCELLED),
        (LiveInterrupted(), COMPLETE, CANCELLED),
    ],
)
def test_the_outcome_of_a_call_that_the_model_cancelled_is_remembered_and_spoken(
    events, is_written, status
):
    call = spoken_over(*events)
    if is_written:
        call.ack()
    call.answer_tool(BOOKED, status=status)
    assert (given(call), call.responses) == (1, [])

    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()
    call.pass_ms(60_000)

    assert remembered(call) == [(3 if is_written else 1, status, BOOKED)]
    assert call.replies[1:] == ["Yes, I am here.", BOOKED]
    assert (given(call), call.frames(SessionError)) == (1, [])
    assert call.ended_turns == [1, 2, 3]
    phases = [frame.phase for frame in call.frames(ToolProgress)]
    assert phases == ["started", "done" if status is ToolCallStatus.DONE else "failed"]


def test_an_outcome_waits_until_the_user_is_answered():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.answer_tool(BOOKED)
    call.answer_tool(BOOKED)
    call.send(SpeechEnd())
    call.live(*speaks("Yes, I am"))
    assert given(call) == 0

    call.live(COMPLETE)

    assert given(call) == 1


@pytest.mark.parametrize("words", ["One moment.", ""])
def test_a_noise_that_cancels_a_call_does_not_keep_its_outcome_back(words):
    call = started()
    call.utter()
    call.call_tool("x")
    call.live(*(speaks(words) if words else []), COMPLETE)
    assert call.frames(TurnEnd) == []
    call.live(CANCELLED)
    assert call.ended_turns == [1]

    call.answer_tool(BOOKED)

    assert given(call) == 1


def test_speech_before_any_reply_is_answered_although_the_call_is_cancelled():
    call = started()
    call.utter()
    call.call_tool("x")
    call.live(COMPLETE)
    call.utter()
    call.live(CANCELLED)
    assert call.frames(TurnEnd) == []

    call.live(*speaks("Yes?", COMPLETE))
    call.answer_tool(BOOKED)

    assert call.ended_turns == [1]
    assert given(call) == 1


def test_a_cancelled_call_without_an_answer_ends_with_an_apology():
    call = spoken_over()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.live(*speaks(NO_ANSWER.answer, COMPLETE))
    call.ack()

    assert given(call, NO_ANSWER.answer) == 1
    assert remembered(call) == [(1, "failed", NO_ANSWER.answer)]


def test_an_outcome_that_comes_after_the_apology_is_spoken_too():
    call = asking()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.live(COMPLETE, *speaks(NO_ANSWER.answer, COMPLETE))
    call.answer_tool(BOOKED)
    call.answer_tool(BOOKED)
    assert given(call) == 1

    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert remembered(call) == [(1, "done", BOOKED)]
    assert given(call) == 1


@pytest.mark.parametrize("status", [ToolCallStatus.DONE, ToolCallStatus.FAILED])
def test_an_unspoken_apology_is_replaced_by_an_outcome_and_not_by_another_apology(status):
    call = asking()
    call.live(COMPLETE)
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.answer_tool(BOOKED, status=status)
    call.pass_ms(3 * SPEAK_WITHIN_MS)

    errors = call.error_messages
    assert errors == [BOOKED if status is ToolCallStatus.DONE else NO_ANSWER.answer]


@pytest.mark.parametrize("is_lost", [False, True])
def test_the_outcome_replaces_an_undelivered_apology_for_a_cancelled_call(is_lost):
    call = spoken_over()
    call.utter()
    if is_lost:
        call.opens_live = False
        call.lose_live()
    call.pass_ms(TOOL_CALL_TIMEOUT_MS)
    call.answer_tool(BOOKED)
    if is_lost:
        call.opens_live = True
        call.open_live()
    call.live(*speaks("Yes, still here.", COMPLETE))
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert (given(call), given(call, NO_ANSWER.answer)) == (1, 0)
    assert [(status, answer) for _, status, answer in remembered(call)] == [("done", BOOKED)]


def test_an_outcome_that_comes_during_the_next_turn_is_remembered_in_it():
    call = asking()
    call.send(Text("Hello?"))
    call.live(LiveInterrupted(), COMPLETE)
    call.ack()
    call.answer_tool(BOOKED)
    call.live(*speaks(f"Yes. {BOOKED}", COMPLETE))
    call.ack()

    assert remembered(call) == [(2, "done", BOOKED)]


@pytest.mark.parametrize(
    ("known", "remembered_again"),
    [(ToolCallStatus.DONE, []), (ToolCallStatus.FAILED, [(2, "done", BOOKED)])],
)
def test_an_outcome_that_the_worker_before_remembered_is_spoken_and_not_remembered_again(
    known, remembered_again
):
    owed = pending(1)
    answered = ToolCall(owed.key, owed.name, owed.arguments_json, known, BOOKED)
    before = Turn(1, "S", 0, 0, "When?", "", tool_calls=(answered,))
    call = started(state=replace(STATE, pending_calls=(owed,)), memory=remembering(before))
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert given(call) == 1
    assert remembered(call) == remembered_again


@pytest.mark.parametrize("status", ToolCallStatus)
@pytest.mark.parametrize("nothing", [" \n", "\u200b", "\ufe0f"])
def test_an_answer_without_words_is_put_into_words(status, nothing):
    call = asking()
    call.live(COMPLETE)
    call.answer_tool(nothing, status=status)
    call.pass_ms(3 * SPEAK_WITHIN_MS)
    call.ack()

    (error,) = call.frames(SessionError)
    is_refused = status is ToolCallStatus.REFUSED
    assert error.message == (PHRASES.refused if is_refused else PHRASES.no_answer)
    assert remembered(call) == [(1, status, error.message)]


# The Live session or the worker goes


@pytest.mark.parametrize("is_known", [True, False])
def test_the_outcome_of_a_cancelled_call_is_given_to_the_next_live_session(is_known):
    call = spoken_over()
    call.ack()
    if is_known:
        call.answer_tool(BOOKED)
    call.lose_live()
    if not is_known:
        call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.pass_ms(60_000)

    assert given(call) == (2 if is_known else 1)
    assert [one.answer for turn in call.turns for one in turn.tool_calls] == [BOOKED]


def test_a_cancelled_call_is_left_to_the_next_worker_which_speaks_its_outcome():
    call = spoken_over()
    call.ack()
    kept = call.all(CommitTurn)[-1].pending_calls
    assert [one.key for one in kept] == [ToolCallKey(1, 1)]

    memory = remembering(*call.turns)
    successor = started(state=replace(STATE, pending_calls=kept), memory=memory)
    successor.answer_tool(BOOKED)
    successor.live(*speaks(BOOKED, COMPLETE))
    successor.ack()

    assert remembered(successor) == [(3, "done", BOOKED)]
    assert successor.all(CommitTurn)[-1].pending_calls == ()
