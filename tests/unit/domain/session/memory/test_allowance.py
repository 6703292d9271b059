"""A session whose user has used the day up."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.limits import DailyLimits, DayUsage, OwnLimits
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.live.context_policy import ContextPolicy
from repartee.domain.live.model import (
    LiveInterrupted,
    LiveUsage,
)
from repartee.domain.protocol.frames import LimitReached, SessionClosed
from repartee.domain.protocol.messages import Audio, Bye, SpeechStart, Text
from repartee.domain.session.effects import (
    CommitTurn,
    FinishReason,
    OpenLive,
    ReadUsage,
    SendText,
)
from repartee.domain.session.events import FromLive, Started, UsageRead
from repartee.domain.session.memory.allowance import GOODBYE
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import (
    IDLE,
    SETTINGS,
    SPEECH_END,
    STATE,
    SessionHarness,
    heard,
    pending,
    remembering,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 20)
MIDNIGHT_MS = NOON_MS + 12 * 3_600_000
LIMITED = replace(SETTINGS, limits=DailyLimits(talk_s=60, cost_usd=Decimal(5)))
# By the tests' prices a million tokens of text in is a dollar.
DOLLAR = LiveUsage(TokenUsage(text_in=1_000_000))


def used(talk_ms: int = 0, cost_usd: str = "0") -> DayUsage:
    return DayUsage(TODAY, talk_ms=talk_ms, cost_usd=Decimal(cost_usd))


def beginning_with(usage: DayUsage, **fields: object) -> SessionHarness:
    call = SessionHarness(**{"settings": LIMITED, **fields})  # type: ignore[arg-type]
    call.feed(Started(usage))
    call.hello()
    return call


def goodbyes(call: SessionHarness) -> int:
    return sum(SendText(GOODBYE) in sent for sent in call.to_model.values())


def turn(call: SessionHarness, *events: LiveUsage) -> None:
    """One typed question and its answer."""
    call.send(Text("When do you open?"))
    call.live(*events)
    call.reply()
    call.ack()


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


def test_the_turn_that_reaches_the_limit_is_answered_and_then_the_user_hears_a_goodbye() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    turn(call, DOLLAR)

    assert call.ended_turns == [1]
    assert call.frames(LimitReached) == [LimitReached("cost", 5.0, MIDNIGHT_MS)]
    assert goodbyes(call) == 1
    assert call.frames(SessionClosed) == []

    call.reply("That is all for today. Goodbye!")
    call.ack()

    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert [one.said for one in call.turns] == ["Good morning.", "That is all for today. Goodbye!"]
    call.ack()
    assert call.wait_for_end() is FinishReason.ENDED
    assert goodbyes(call) == 1


def test_talk_is_counted_from_begin_to_end_of_turns() -> None:
    call = beginning_with(used(talk_ms=58_000))
    call.send(Text("Tell me a story."))
    call.pass_ms(2_500)
    call.reply()
    call.ack()

    assert call.frames(LimitReached) == [LimitReached("talk_seconds", 60.0, MIDNIGHT_MS)]


def test_a_goodbye_that_never_comes_is_waited_for_no_longer_than_for_any_first_word() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    turn(call, DOLLAR)
    began_ms = call.now_ms

    call.pass_ms(SPEAK_WITHIN_MS - 1)
    assert call.frames(SessionClosed) == []
    call.pass_ms(1)

    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert call.now_ms - began_ms == SPEAK_WITHIN_MS
    call.ack()
    assert call.finish() is FinishReason.ENDED


def test_a_model_that_is_lost_during_its_goodbye_ends_the_session() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    turn(call, DOLLAR)
    call.lose_live()
    call.ack()

    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert call.generation == 1


def test_a_session_that_begins_with_nothing_left_asks_no_model() -> None:
    call = beginning_with(used(cost_usd="5"))
    call.send(Text("Hello?"))
    call.ack()

    assert call.all(OpenLive) == []
    assert call.frames(LimitReached) == [LimitReached("cost", 5.0, MIDNIGHT_MS)]
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert call.finish() is FinishReason.ENDED
    assert call.turns == []


def test_speech_that_has_begun_is_answered_with_the_goodbye() -> None:
    call = beginning_with(used())
    turn(call)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("And tomorrow"))

    call.feed(UsageRead(used(cost_usd="5")))

    assert goodbyes(call) == 1
    assert SPEECH_END in call.to_model[1]
    call.reply("Goodbye!")
    call.ack()
    assert (call.turns[-1].heard, call.turns[-1].said) == ("And tomorrow", "Goodbye!")


def test_a_user_who_keeps_interrupting_is_answered_one_more_turn_only() -> None:
    call = beginning_with(used(cost_usd="4.9"))
    call.send(Text("First?"))
    call.live(said("One"), DOLLAR)
    call.send(Text("Second?"))
    call.live(LiveInterrupted())
    call.reply("")

    assert call.frames(LimitReached) == [LimitReached("cost", 5.0, MIDNIGHT_MS)]
    assert goodbyes(call) == 1
    call.send(Text("Third?"))
    call.reply("Goodbye!")
    call.ack()
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]


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


def test_an_answer_that_uses_the_day_up_is_spoken_before_the_goodbye() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    call.send(Text("When do you open?"))
    call.call_tool()
    call.answer_tool(bill=Bill(TokenUsage(text_out=1), Decimal(1)))
    call.feed(UsageRead(used(cost_usd="5.5")))
    assert goodbyes(call) == 0

    call.reply("At three.")

    assert call.ended_turns == [1]
    assert goodbyes(call) == 1


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


def test_a_bye_during_the_goodbye_changes_nothing() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    turn(call, DOLLAR)
    call.send(Bye())
    call.reply("Goodbye!")
    call.ack()

    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]


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


def test_a_goodbye_waits_for_the_live_session_that_is_being_opened() -> None:
    settings = replace(LIMITED, context_policy=ContextPolicy.RESEED)
    call = beginning_with(used(), settings=settings)
    call.opens_live = False
    turn(call, LiveUsage(TokenUsage(text_in=1)))
    assert call.awaits_live
    call.feed(UsageRead(used(talk_ms=60_000)))
    assert call.frames(SessionClosed) == []

    call.open_live()
    assert goodbyes(call) == 1
    call.reply("Until tomorrow.")
    call.ack()

    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert call.turns[-1].said == "Until tomorrow."


def test_an_interrupted_reply_does_not_end_the_goodbye() -> None:
    call = beginning_with(used())
    call.send(Text("When do you open?"))
    call.feed(UsageRead(used(talk_ms=60_000)))
    assert goodbyes(call) == 1

    call.live(LiveInterrupted(), IDLE)
    call.ack()
    assert call.frames(SessionClosed) == []
    call.reply("Until tomorrow.")
    call.ack()

    assert call.turns[-1].said == "Until tomorrow."
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]


@pytest.mark.parametrize("is_known", [True, False])
def test_an_owed_outcome_comes_before_the_goodbye(is_known: bool) -> None:
    state = replace(STATE, pending_calls=(pending(),))
    call = beginning_with(used(), state=state, memory=remembering(Turn(1, "S", 0, 1)))
    if is_known:
        call.answer_tool("At three.")
    call.feed(UsageRead(used(talk_ms=60_000)))
    if not is_known:
        call.answer_tool("At three.")
    call.live(*speaks("At"))
    assert goodbyes(call) == 0

    call.reply(" three.")
    assert goodbyes(call) == 1
    call.reply("Until tomorrow.")
    call.ack()

    assert call.replies == ["At three.", "Until tomorrow."]
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]


def test_an_outcome_is_spoken_after_the_goodbye_to_a_user_who_speaks_on() -> None:
    call = beginning_with(used())
    call.utter()
    call.call_tool("x")
    call.reply("One moment.")
    call.feed(UsageRead(used(talk_ms=60_000)))
    call.send(Text("And what else?"))
    assert goodbyes(call) == 1
    call.reply("Until tomorrow.")
    call.answer_tool("At three.")
    call.ack()
    assert call.frames(SessionClosed) == []

    call.reply("At three.")
    call.ack()

    assert call.replies[-1] == "At three."
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
