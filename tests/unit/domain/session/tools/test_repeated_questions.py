"""A question that the model asks again shares one run, and each call id gets the answer."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.model import LiveInterrupted, LiveToolCallsCancelled
from repartee.domain.protocol.frames import TurnEnd
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import COMPLETE, IDLE, STATE, pending, remembering, speaks, started
from tests.unit.domain.session.tools.booking_calls import (
    BOOKED,
    CANCELLED,
    asking,
    given,
    remembered,
    spoken_over,
)

pytestmark = pytest.mark.unit

WHERE = '{"question":"Where?"}'


# The same question once more


@pytest.mark.parametrize("arguments", ['{"question":"When?"}', '{"question":"when?"}'])
def test_a_question_repeated_after_a_cancellation_gets_the_outcome_of_the_same_run(arguments):
    call = spoken_over()
    call.utter()
    call.call_tool("y", arguments)
    call.live(COMPLETE)
    call.pass_ms(2_000)
    assert call.ended_turns == [1, 2]
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()
    call.pass_ms(60_000)

    assert len(call.asked) == 1
    assert call.responses == [("y", "done")]
    assert given(call) == 1
    assert remembered(call) == [(1, "done", BOOKED)]
    assert call.replies[-1] == BOOKED


def test_a_repeated_question_with_a_known_outcome_is_answered_at_once():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.answer_tool(BOOKED)
    call.send(SpeechEnd())
    call.call_tool("y")
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()
    call.pass_ms(60_000)

    assert (len(call.asked), call.responses, given(call)) == (1, [("y", "done")], 1)
    assert remembered(call) == [(1, "done", BOOKED)]


def test_a_repeated_question_that_failed_runs_again():
    call = asking()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), CANCELLED, COMPLETE)
    call.answer_tool("That did not work.", status=ToolCallStatus.FAILED)
    call.send(SpeechEnd())
    call.call_tool("y")

    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(2, 1)]


def test_a_turn_that_asks_again_for_what_runs_already_waits_for_it():
    call = asking()
    call.live(COMPLETE)
    call.utter()
    call.call_tool("y")
    call.live(COMPLETE)
    call.pass_ms(2_000)
    call.answer_tool(BOOKED)

    assert len(call.asked) == 1
    assert call.responses == [("x", "done"), ("y", "done")]
    assert given(call) == 1
    assert call.ended_turns == [1]


@pytest.mark.parametrize("turn", [1, 2])
def test_a_call_that_comes_again_before_its_answer_is_spoken_has_the_same_answer(turn):
    call = asking()
    call.answer_tool(BOOKED)
    if turn == 2:
        call.live(IDLE)
        call.utter()
    call.call_tool("y")

    assert (len(call.asked), call.responses) == (1, [("x", "done"), ("y", "done")])
    # The turn that has got it already speaks it once.
    assert given(call) == turn


def test_a_call_that_was_answered_aloud_is_run_again_when_it_is_asked_again():
    call = asking()
    call.answer_tool(BOOKED)
    call.live(COMPLETE, *speaks(BOOKED, COMPLETE))
    call.utter()
    call.call_tool("y")

    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(2, 1)]


# Several calls, and calls without ids


def test_the_id_that_is_not_cancelled_gets_the_answer():
    call = asking("x", "y")
    call.live(CANCELLED)
    call.answer_tool(BOOKED)

    assert call.responses == [("y", "done")]
    assert given(call) == 1


def test_two_cancelled_calls_are_spoken_of_in_one_text():
    call = asking()
    call.call_tool("y", WHERE)
    call.live(LiveInterrupted(), LiveToolCallsCancelled(("x", "y")), COMPLETE)
    call.utter()
    call.answer_tool(BOOKED)
    call.answer_tool("Upstairs.", index=2)
    call.live(*speaks("Yes?", COMPLETE))

    assert call.texts == [f"(The user has not heard this answer yet. Say it: {BOOKED} Upstairs.)"]


def test_calls_without_ids_are_all_answered_and_equal_ones_share_one_run():
    call = asking("", "")
    call.live(COMPLETE)
    call.answer_tool(BOOKED)
    call.call_tool("", WHERE)
    call.answer_tool("Upstairs.", index=2)

    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1), ToolCallKey(1, 2)]
    assert call.responses == [("", "done")] * 3
    assert given(call) == 1


@pytest.mark.parametrize("ids", [("x",), ()])
def test_a_cancellation_that_does_not_name_a_call_without_an_id_does_not_concern_it(ids):
    call = asking("")
    call.live(LiveToolCallsCancelled(ids))
    call.answer_tool(BOOKED)

    assert call.responses == [("", "done")]


def test_a_call_without_an_id_can_be_cancelled_too():
    call = asking("")
    call.live(LiveInterrupted(), LiveToolCallsCancelled(("",)), COMPLETE)
    call.answer_tool(BOOKED)

    assert (call.responses, given(call)) == ([], 1)


@pytest.mark.parametrize("ids", [("x", ""), ("", "x")])
def test_ids_and_none_may_ask_the_same(ids):
    call = asking(*ids)
    call.live(CANCELLED)
    call.answer_tool(BOOKED)

    assert (len(call.asked), call.responses) == (1, [("", "done")])


def test_a_restarted_turn_is_not_over_because_it_was_kept_open_before():
    call = asking()
    call.live(COMPLETE)
    call.lose_live()
    assert call.frames(TurnEnd) == []

    call.live(*speaks("Hello again.", COMPLETE))

    assert call.ended_turns == [1]


def test_a_restarted_turn_that_does_not_ask_again_still_speaks_the_outcome():
    call = asking()
    call.lose_live()
    call.answer_tool(BOOKED)
    assert given(call) == 0
    call.live(*speaks("Hello again.", COMPLETE))
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert (len(call.asked), given(call)) == (1, 1)
    assert remembered(call) == [(1, "done", BOOKED)]


def test_a_restarted_turn_that_asks_again_in_other_words_gets_the_newer_answer_alone():
    call = asking()
    call.lose_live()
    call.call_tool("y", '{"question":"At what time?"}')
    first, second = call.asked
    assert first.key == second.key
    call.answer_late(first, "At three.")
    call.answer_late(second, BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.ack()

    assert call.responses == [("y", "done")]
    assert (given(call, "At three."), given(call)) == (0, 1)
    assert remembered(call) == [(1, "done", BOOKED)]


def test_another_tool_of_a_restarted_turn_does_not_take_the_place_of_its_question():
    call = asking()
    call.lose_live()
    call.call_tool("y", '{"style":"slowly"}', name="set_preferences")
    call.call_tool("z", WHERE)
    call.call_tool("w")

    keys = [asked.key for asked in call.asked]
    assert keys == [ToolCallKey(1, 1), ToolCallKey(1, 3), ToolCallKey(1, 1)]


def test_a_question_repeated_to_the_next_worker_shares_the_open_run():
    state = replace(STATE, pending_calls=(pending(),))
    call = started(state=state, memory=remembering(Turn(1, "S", 0, 1, said="One moment.")))
    call.utter()
    call.call_tool("z")
    call.answer_tool(BOOKED)
    call.live(*speaks(BOOKED, COMPLETE))
    call.pass_ms(60_000)

    assert (len(call.asked), call.responses, given(call)) == (1, [("z", "done")], 1)
