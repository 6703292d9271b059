"""The cost of a turn: the live model's bill and core_agent's."""

from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.live.model import LiveToolCallsCancelled, LiveUsage
from repartee.domain.protocol.frames import TurnEnd
from repartee.domain.session.effects import CommitTurn, FinishReason
from repartee.domain.session.events import TimeRunningOut
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus
from tests.session_harness import STATE, SessionHarness, pending, remembering, started

pytestmark = pytest.mark.unit

CORE = Bill(TokenUsage(text_in=900, text_out=40), Decimal("0.5"))


def cost_of(call: SessionHarness) -> list[Decimal]:
    return [turn.cost_usd for turn in call.turns]


def test_a_turn_costs_what_both_models_cost():
    call = started()
    call.utter()
    call.live(LiveUsage(TokenUsage(audio_in=100, audio_out=10)))
    call.call_tool("x")
    call.answer_tool(bill=CORE)
    call.reply("At three.")
    call.ack()

    (turn,) = call.turns
    assert turn.usage == TokenUsage(900, 100, 40, 10)
    live_usd = call.settings.prices.cost_usd(TokenUsage(audio_in=100, audio_out=10))
    assert turn.cost_usd == live_usd + CORE.cost_usd
    (end,) = call.frames(TurnEnd)
    assert (end.tokens_in, end.tokens_out) == (1000, 50)
    assert end.cost_usd == pytest.approx(float(turn.cost_usd))


def test_two_questions_of_a_turn_are_both_billed():
    call = started()
    call.utter()
    call.call_tool("x")
    call.call_tool("y", '{"question":"Where?"}')
    call.answer_tool(index=1, bill=CORE)
    call.answer_tool("Upstairs.", index=2, bill=CORE)
    call.reply("At three, upstairs.")
    call.ack()

    assert cost_of(call) == [2 * CORE.cost_usd]


def test_an_answer_that_a_restarted_turn_gets_again_is_billed_once():
    call = started()
    call.utter()
    call.call_tool("x")
    call.answer_tool(bill=CORE)
    call.lose_live()
    call.utter()
    call.call_tool("z")
    assert [asked.key for asked in call.asked] == [ToolCallKey(1, 1)] * 2
    call.answer_tool(bill=CORE)
    call.reply("At three.")
    call.ack()

    assert cost_of(call) == [CORE.cost_usd]


def test_another_question_at_the_same_place_of_a_restarted_turn_is_billed_as_well():
    call = started()
    call.utter()
    call.call_tool("x")
    call.answer_tool(bill=CORE)
    call.lose_live()
    call.utter()
    call.call_tool("z", '{"question":"When, please?"}')
    call.answer_tool(bill=CORE)
    call.reply("At three.")
    call.ack()

    assert cost_of(call) == [2 * CORE.cost_usd]


def test_an_answer_that_is_no_longer_awaited_has_its_cost():
    call = started()
    call.utter()
    call.call_tool("x")
    call.live(LiveToolCallsCancelled(("x",)))
    call.answer_tool(bill=CORE)
    call.reply()
    call.ack()

    assert call.responses == []
    assert cost_of(call) == [CORE.cost_usd]


def test_an_answer_to_a_written_turn_is_billed_to_the_turn_that_speaks_it():
    earlier = Turn(1, STATE.session_id, 0, 1)
    call = started(
        state=replace(STATE, pending_calls=(pending(),)),
        memory=remembering(earlier),
    )
    call.answer_tool("At three.", bill=CORE)
    call.reply("At three, by the way.")
    call.ack()

    (commit,) = call.all(CommitTurn)
    assert (commit.turn.number, commit.turn.cost_usd) == (2, CORE.cost_usd)


def test_an_answer_that_was_paid_for_before_a_change_of_worker_is_not_billed_again():
    answered = ToolCall(
        ToolCallKey(1, 1),
        "ask_core_agent",
        '{"question":"When?"}',
        ToolCallStatus.DONE,
        "At three.",
    )
    call = started(
        state=replace(STATE, pending_calls=(pending(),)),
        memory=remembering(Turn(1, STATE.session_id, 0, 1, tool_calls=(answered,))),
    )
    call.answer_tool("At three.", bill=CORE)
    call.reply("At three, by the way.")
    call.ack()

    assert cost_of(call) == [0]


def test_a_late_answer_from_before_a_restart_is_not_taken_for_the_new_one():
    call = started()
    call.utter()
    call.call_tool("x", '{"question":"When is Ann here?"}')
    (first,) = call.asked
    call.lose_live()
    call.utter()
    call.call_tool("z", '{"question":"When is Dan here?"}')

    call.answer_late(first, "Ann is here at nine.")
    assert call.responses == []
    call.answer_tool("Dan is here at ten.")

    assert call.responses == [("z", "done")]
    call.reply("Dan is here at ten.")
    call.ack()
    assert [one.answer for one in call.turns[0].tool_calls] == ["Dan is here at ten."]


def test_a_commit_separates_the_cost_that_core_agent_has_counted():
    call = started()
    call.utter()
    call.live(LiveUsage(TokenUsage(audio_in=100)))
    call.call_tool("x")
    call.answer_tool(bill=CORE)
    call.reply("At three.")
    call.ack()

    (commit,) = call.all(CommitTurn)
    assert commit.core_bill == CORE
    assert commit.turn.usage - commit.core_bill.usage == TokenUsage(audio_in=100)


def test_a_worker_that_leaves_owes_what_the_live_model_cost_and_nothing_of_core_agent():
    call = started()
    call.utter()
    call.live(LiveUsage(TokenUsage(audio_in=100)))
    call.call_tool("x")
    call.answer_tool(bill=CORE)
    call.feed(TimeRunningOut(20_000))
    assert call.finish() is FinishReason.HAND_OVER

    assert call.machine.uncommitted_bill == call.settings.prices.bill(TokenUsage(audio_in=100))
