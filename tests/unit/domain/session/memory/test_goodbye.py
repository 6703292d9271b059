"""A session at the daily limit says goodbye and ends."""

from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.live.context_policy import ContextPolicy
from repartee.domain.live.model import LiveInterrupted, LiveUsage
from repartee.domain.protocol.frames import LimitReached, SessionClosed
from repartee.domain.protocol.messages import Audio, Bye, SpeechStart, Text
from repartee.domain.session.effects import FinishReason
from repartee.domain.session.events import UsageRead
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import IDLE, SPEECH_END, STATE, heard, pending, remembering, said, speaks
from tests.unit.domain.session.memory.limited_calls import (
    DOLLAR,
    LIMITED,
    MIDNIGHT_MS,
    beginning_with,
    goodbyes,
    turn,
    used,
)

pytestmark = pytest.mark.unit


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


def test_a_bye_during_the_goodbye_changes_nothing() -> None:
    call = beginning_with(used(cost_usd="4.5"))
    turn(call, DOLLAR)
    call.send(Bye())
    call.reply("Goodbye!")
    call.ack()

    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]


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
