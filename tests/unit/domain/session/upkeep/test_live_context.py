"""A session moves to a fresh Live session when that is cheaper."""

from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from repartee.config import LIVE_PRICES
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.context_policy import ContextPolicy, seed_tokens
from repartee.domain.live.model import LiveAudio, LiveGoAway, LiveUsage, Role
from repartee.domain.protocol.frames import SessionClosed, TurnRestarted
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import OpenLive, SendAudio, SendText
from repartee.domain.session.events import TimeRunningOut
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import SECOND, SETTINGS, SessionHarness, heard, started

pytestmark = pytest.mark.unit

MUCH = LiveUsage(TokenUsage(audio_in=20_000))
LITTLE = LiveUsage(TokenUsage(audio_in=20))


def talk(call: SessionHarness, usage: LiveUsage, words: str = "I am Ada") -> None:
    call.utter()
    call.live(heard(words), usage)
    call.reply("Hello Ada")


def with_policy(policy: ContextPolicy) -> SessionHarness:
    return started(settings=replace(SETTINGS, context_policy=policy))


def test_an_expensive_context_is_replaced_in_the_pause_after_the_commit():
    call = started()
    talk(call, MUCH)
    assert len(call.all(OpenLive)) == 1
    call.ack()

    _, fresh = call.all(OpenLive)
    assert fresh.saves_usd is not None
    assert fresh.saves_usd > Decimal("0.1")
    assert [entry.text for entry in fresh.config.history] == ["I am Ada", "Hello Ada"]
    assert call.frames(TurnRestarted) == []


def test_the_conversation_continues_in_the_fresh_session_until_that_is_expensive():
    call = started()
    talk(call, MUCH)
    call.ack()
    for _ in range(3):
        talk(call, LITTLE)
        call.ack()
    assert len(call.all(OpenLive)) == 2

    talk(call, MUCH)
    call.ack()

    assert len(call.all(OpenLive)) == 3
    assert [turn.number for turn in call.turns] == [1, 2, 3, 4, 5]


def test_only_what_the_newest_reply_was_billed_is_carried():
    call = started()
    call.utter()
    for _ in range(100):
        call.live(LITTLE)
    call.reply()
    call.ack()

    assert len(call.all(OpenLive)) == 1


def test_an_operator_can_have_every_context_kept():
    call = with_policy(ContextPolicy.KEEP)
    talk(call, MUCH)
    call.ack()

    assert len(call.all(OpenLive)) == 1


def test_an_operator_can_replace_the_live_session_in_every_pause():
    call = with_policy(ContextPolicy.RESEED)
    for _ in range(6):
        talk(call, LITTLE)
        call.ack()

    assert len(call.all(OpenLive)) == 7
    assert call.frames(SessionClosed) == []


def cost_of_a_long_call_usd(policy: ContextPolicy) -> Decimal:
    """40 turns of 10 s each way, billed as Gemini does: the whole context again on every turn."""
    call = started(settings=replace(SETTINGS, context_policy=policy, prices=LIVE_PRICES))
    for number in range(40):
        begun = call.all(OpenLive)[-1]
        answered = sum(one.config.history == begun.config.history for one in call.all(OpenLive))
        assert answered == 1, "the seed of each fresh session holds something new"
        earlier = number - len([e for e in begun.config.history if e.role is Role.USER])
        audio_in = 250 + 500 * earlier
        usage = TokenUsage(text_in=seed_tokens(begun.config), audio_in=audio_in, audio_out=250)
        talk(call, LiveUsage(usage), f"This is sentence {number}.")
        call.ack()
    history = call.all(OpenLive)[-1].config.history
    assert policy is ContextPolicy.KEEP or "sentence 0." in history[0].text
    return sum((turn.cost_usd for turn in call.turns), Decimal(0))


def test_a_long_call_costs_a_fraction_and_its_first_words_are_still_known():
    kept, told_anew, auto = map(
        cost_of_a_long_call_usd, (ContextPolicy.KEEP, ContextPolicy.RESEED, ContextPolicy.AUTO)
    )

    assert told_anew < auto < kept / 3


def test_a_user_who_speaks_on_does_not_wait():
    call = started()
    talk(call, MUCH)
    call.send(SpeechStart(), Audio(SPEECH))
    call.ack()
    assert len(call.all(OpenLive)) == 1

    call.send(SpeechEnd())
    call.live(heard("And I am late"))
    call.reply()
    call.ack()

    assert len(call.all(OpenLive)) == 2


def test_a_pending_call_keeps_its_live_session_until_its_answer_is_spoken():
    call = started()
    call.send(Text("When?"))
    call.call_tool()
    call.live(MUCH)
    call.reply("Let me look.")
    call.ack()
    assert len(call.all(OpenLive)) == 1

    call.answer_tool()
    assert len(call.all(OpenLive)) == 1

    call.live(MUCH)
    call.reply("At three.")
    call.ack()

    assert len(call.all(OpenLive)) == 2


def test_a_worker_that_hands_over_opens_nothing_more():
    call = started()
    talk(call, MUCH)
    call.feed(TimeRunningOut(90_000))
    call.ack()

    assert len(call.all(OpenLive)) == 1


def test_a_session_that_is_sent_away_has_no_other_reason():
    call = started()
    call.live(LiveGoAway(0))

    assert [opened.saves_usd for opened in call.all(OpenLive)] == [None, None]


def test_speech_during_the_set_up_of_the_fresh_session_is_heard():
    call = started()
    talk(call, MUCH)
    call.opens_live = False
    call.ack()
    call.send(Text("And on Friday?"))
    call.open_live()

    assert call.to_model[call.generation] == [SendText("And on Friday?")]


def test_a_stream_without_marks_loses_no_begin_of_an_utterance():
    call = started()
    call.send(Text("Hello"))
    call.send(*[Audio(SILENCE)] * 3)
    call.live(MUCH, LiveAudio(SECOND[:960]))
    call.reply()
    call.send(Audio(SILENCE))
    call.ack()
    call.send(Audio(SPEECH))

    assert len(call.all(OpenLive)) == 2
    assert call.to_model[call.generation] == [
        SendAudio(SILENCE),
        SendAudio(SILENCE),
        SendAudio(SPEECH),
    ]


def test_a_live_session_gets_the_time_at_the_desk():
    zone = ZoneInfo("Asia/Kolkata")
    call = started(settings=replace(SETTINGS, zone=zone, zone_name="Asia/Kolkata"))

    (opened,) = call.all(OpenLive)

    # Noon in UTC.
    time = "It is Friday, 2026-11-20, 17:30 in Asia/Kolkata."
    assert time in opened.config.system_instruction
