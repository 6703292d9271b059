"""The model ends the call with the tool ``end_call``, after its farewell."""

import pytest

from repartee.domain.protocol.frames import SessionClosed
from repartee.domain.session.effects import CloseConnection, FinishReason, OpenLive, SendText
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.session.upkeep.departure import FAREWELL_MS
from tests.session_harness import said, started

pytestmark = pytest.mark.unit


def test_a_call_is_ended_after_the_farewell_has_been_heard():
    call = started()
    call.utter()
    call.call_tool("x", "{}", name="end_call")
    assert call.responses == [("x", "done")]
    call.pass_ms(2_000)
    call.reply("Goodbye.")
    call.pass_ms(1_000)
    assert call.frames(SessionClosed) == []
    assert call.all(SendText) == []

    call.ack()

    assert call.frames(SessionClosed) == [SessionClosed("end_call")]
    assert call.posted[-1].frame == SessionClosed("end_call")
    assert call.all(CloseConnection) == [CloseConnection("A")]
    assert call.finish() is FinishReason.ENDED
    assert call.turns[0].said == "Goodbye."


def test_a_farewell_that_never_ends_is_cut_and_remembered():
    call = started()
    call.utter()
    call.call_tool("x", "{}", name="end_call")
    call.live(said("Good"))

    call.wait_for_end()

    assert call.now_ms == 1_000 + SPEAK_WITHIN_MS
    assert call.finish() is FinishReason.ENDED
    assert call.replies == ["Good"]


def test_a_model_that_is_lost_during_a_farewell_leaves_the_answer_to_be_sent_as_text():
    call = started()
    call.utter()
    call.call_tool("x")
    call.call_tool("y", "{}", name="end_call")

    call.lose_live()
    assert call.frames(SessionClosed) == []
    call.answer_tool("At three.")

    assert call.error_messages == ["At three."]
    assert call.frames(SessionClosed) == [SessionClosed("end_call")]
    assert [one.answer for turn in call.turns for one in turn.tool_calls][-1] == "At three."


def test_an_answer_that_never_comes_after_a_farewell_is_waited_for_only_so_long():
    call = started()
    call.utter()
    call.call_tool("x")
    call.call_tool("y", "{}", name="end_call")
    call.reply("Goodbye.")

    call.pass_ms(FAREWELL_MS - 1)
    assert call.frames(SessionClosed) == []
    call.pass_ms(1)

    assert call.frames(SessionClosed) == [SessionClosed("end_call")]


def test_a_farewell_waits_for_an_answer_that_is_still_owed():
    call = started()
    call.utter()
    call.call_tool("x")
    call.call_tool("y", "{}", name="end_call")
    call.reply("Moment.")
    call.ack()
    assert call.frames(SessionClosed) == []

    call.answer_tool()
    assert call.finish() is None
    call.reply("At three. Goodbye.")
    call.ack()
    call.pass_ms(1_000)
    assert call.finish() is FinishReason.ENDED


def test_a_farewell_whose_live_session_is_lost_is_over():
    call = started()
    call.utter()
    call.call_tool("x", "{}", name="end_call")
    call.call_tool("y")
    call.live(said("Good"))
    call.lose_live()
    call.answer_tool(index=2)
    call.wait_for_end()

    assert call.finish() is FinishReason.ENDED
    assert len(call.all(OpenLive)) == 1
    assert call.replies == ["Good", ""]
    assert call.error_messages == ["At three."]
