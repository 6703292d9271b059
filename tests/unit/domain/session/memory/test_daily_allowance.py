"""A session whose user has used the day up."""

from decimal import Decimal

import pytest

from repartee.domain.cost.limits import OwnLimits
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.protocol.frames import LimitReached, SessionClosed
from repartee.domain.protocol.messages import Text
from repartee.domain.session.effects import CommitTurn, FinishReason, OpenLive, ReadUsage
from repartee.domain.session.events import FromLive, UsageRead
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.session_harness import remembering, said, started
from tests.unit.domain.session.memory.limited_calls import (
    DOLLAR,
    MIDNIGHT_MS,
    beginning_with,
    goodbyes,
    turn,
    used,
)

pytestmark = pytest.mark.unit


def test_without_limits_nothing_is_counted() -> None:
    call = started()
    turn(call, *[DOLLAR] * 100)

    assert call.all(ReadUsage) == []
    assert call.frames(LimitReached) == []


def test_a_user_with_something_left_is_served() -> None:
    call = beginning_with(used(59_999, "4.99"))
    turn(call)

    assert call.frames(LimitReached) == []
    assert call.finish() is None


def test_talk_is_counted_from_begin_to_end_of_turns() -> None:
    call = beginning_with(used(talk_ms=58_000))
    call.send(Text("Tell me a story."))
    call.pass_ms(2_500)
    call.reply()
    call.ack()

    assert call.frames(LimitReached) == [LimitReached("talk_seconds", 60.0, MIDNIGHT_MS)]


def test_a_session_that_begins_with_nothing_left_asks_no_model() -> None:
    call = beginning_with(used(cost_usd="5"))
    call.send(Text("Hello?"))
    call.ack()

    assert call.all(OpenLive) == []
    assert call.frames(LimitReached) == [LimitReached("cost", 5.0, MIDNIGHT_MS)]
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert call.finish() is FinishReason.ENDED
    assert call.turns == []


def test_the_usage_of_other_sessions_is_seen_at_the_next_commit() -> None:
    call = beginning_with(used())
    turn(call)
    assert len(call.all(ReadUsage)) == len(call.all(CommitTurn)) == 1
    assert call.frames(LimitReached) == []

    call.feed(UsageRead(used(cost_usd="5.01")))

    assert len(call.frames(LimitReached)) == 1


def test_the_cost_that_core_agent_counted_comes_with_its_answer_and_counts_once() -> None:
    core = Bill(TokenUsage(text_out=1), Decimal(1))
    call = beginning_with(used(cost_usd="3.5"), takes_commits=False)
    call.send(Text("When do you open?"))
    call.call_tool()
    call.answer_tool(bill=core)
    assert len(call.all(ReadUsage)) == 1
    call.feed(UsageRead(used(cost_usd="4.5")))
    call.reply("At three.")
    call.ack()

    assert call.turns[0].cost_usd == 1
    assert call.frames(LimitReached) == []
    call.take_commit()
    assert call.frames(LimitReached) == []


def test_an_answer_costs_no_look_at_the_day_where_nothing_is_limited_or_nothing_was_spent() -> None:
    unlimited, limited = started(), beginning_with(used())
    for call, bill in ((unlimited, Bill(cost_usd=Decimal(1))), (limited, Bill())):
        call.send(Text("When do you open?"))
        call.call_tool()
        call.answer_tool(bill=bill)
        assert call.all(ReadUsage) == []


def test_a_turn_that_waits_for_its_commit_is_counted_once() -> None:
    call = beginning_with(used(cost_usd="3.5"), takes_commits=False)
    turn(call, DOLLAR)
    assert call.frames(LimitReached) == []
    call.take_commit()
    call.feed(UsageRead(used(cost_usd="4.5")))
    assert call.frames(LimitReached) == []

    turn(call, DOLLAR)
    assert len(call.frames(LimitReached)) == 1


def test_midnight_gives_a_running_call_a_new_day() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    call.now_ms = MIDNIGHT_MS - NOON_MS
    turn(call, DOLLAR)

    assert call.frames(LimitReached) == []


def test_an_operators_word_for_one_user_holds() -> None:
    lavish = Profile("U", limits=OwnLimits(cost_usd=Decimal(0)))
    call = beginning_with(used(cost_usd="100"), memory=remembering(profile=lavish))
    assert call.frames(LimitReached) == []

    tight = Profile("U", limits=OwnLimits(cost_usd=Decimal("0.01")))
    call = beginning_with(used(cost_usd="0.01"), memory=remembering(profile=tight))
    assert call.frames(LimitReached) == [LimitReached("cost", 0.01, MIDNIGHT_MS)]


def test_a_client_that_is_gone_does_not_stop_the_end_of_the_session() -> None:
    call = beginning_with(used(cost_usd="4.5"), takes_posts=False)
    call.send(Text("Hello?"))
    call.live(DOLLAR)
    call.reply()

    assert call.wait_for_end() is FinishReason.ENDED
    assert call.turns[0].cost_usd == 1


def test_the_bill_of_a_late_reply_goes_to_the_next_turn_if_there_is_one() -> None:
    call = started()
    turn(call)
    call.live(DOLLAR)
    assert call.machine.uncommitted_bill == Bill(DOLLAR.usage, Decimal(1))

    turn(call)
    assert call.turns[-1].cost_usd == 1
    assert not call.machine.uncommitted_bill


def test_the_bill_of_a_live_session_that_was_left_behind_counts() -> None:
    call = started()
    call.send(Text("When?"))
    old = call.generation
    call.lose_live()
    call.wait_for_end(limit_ms=5_000)
    assert call.generation > old
    call.feed(FromLive(old, DOLLAR))
    call.reply()
    call.ack()

    assert call.turns[-1].cost_usd == 1


def test_the_bill_of_a_turn_that_is_never_committed_is_reported_at_the_end() -> None:
    call = started(takes_commits=False)
    call.send(Text("When?"))
    call.live(DOLLAR)

    assert call.machine.uncommitted_bill.cost_usd == 1
    call.reply()
    assert call.machine.uncommitted_bill.cost_usd == 1
    # The commit in flight holds it.
    call.ack()
    assert call.all(CommitTurn)
    assert not call.machine.uncommitted_bill


def test_a_turn_that_is_being_answered_when_the_day_is_used_up_elsewhere_is_answered() -> None:
    call = beginning_with(used())
    call.send(Text("When do you open?"))
    call.live(said("At"))
    call.feed(UsageRead(used(talk_ms=60_000)))
    call.live(said(" nine"))
    assert call.frames(LimitReached) == []

    call.reply(".")

    assert goodbyes(call) == 1
