"""Every question ends with a reply: after a nudge, a fresh Live session, or as an apology."""

from dataclasses import replace

import pytest

from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveAudio, LiveInterrupted, LiveToolCallsCancelled, LiveUsage
from repartee.domain.protocol.frames import SessionError, TurnEnd, TurnRestarted
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart, Text
from repartee.domain.session.effects import FinishReason, OpenLive, SendAudio, SendText
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.upkeep.watchdog import NUDGE
from repartee.domain.tools.core_calls import ToolCallKey
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.personas import PHRASES
from tests.session_harness import (
    COMPLETE,
    IDLE,
    SECOND,
    SETTINGS,
    SPEECH_END,
    SessionHarness,
    heard,
    speaks,
    started,
)

pytestmark = pytest.mark.unit


def nudges(call: SessionHarness) -> int:
    return call.texts.count(NUDGE)


def errors(call: SessionHarness) -> list[SessionError]:
    return call.frames(SessionError)


def test_a_turn_that_brings_nothing_is_nudged_then_given_to_a_fresh_session_then_apologised_for():
    call = started()
    call.utter()
    call.pass_ms(STALL_MS - 1)
    assert nudges(call) == 0
    call.pass_ms(1)
    assert nudges(call) == 1

    call.pass_ms(STALL_MS)
    assert len(call.all(OpenLive)) == 2
    assert call.to_model[call.generation] == [
        SendAudio(SPEECH),
        SendAudio(SPEECH),
        SPEECH_END,
    ]
    assert (call.frames(TurnEnd), errors(call)) == ([], [])

    call.pass_ms(STALL_MS)
    assert errors(call) == [SessionError("no_answer", PHRASES.not_understood, retryable=True)]
    assert call.ended_turns == [1]
    assert call.frames(TurnRestarted) == []
    assert (nudges(call), len(call.all(OpenLive))) == (1, 2)


def test_a_slow_model_that_answers_the_nudge_as_well_is_left_before_the_next_turn():
    call = started()
    call.send(Text("Good morning"))
    call.pass_ms(STALL_MS)
    call.reply("Good morning.")
    assert len(call.all(OpenLive)) == 1
    call.ack()

    assert (nudges(call), len(call.all(OpenLive))) == (1, 2)


def test_a_model_that_was_nudged_after_an_empty_turn_has_one_reply_to_give_and_stays():
    call = started()
    call.utter()
    call.live(COMPLETE)
    call.reply("Good morning.")
    call.ack()

    assert (nudges(call), len(call.all(OpenLive))) == (1, 1)


def test_the_next_turn_gets_its_own_tries():
    call = started()
    for _ in range(2):
        call.utter()
        call.pass_ms(3 * STALL_MS)
        call.ack()

    assert call.ended_turns == [1, 2]
    assert (nudges(call), len(errors(call)), len(call.all(OpenLive))) == (2, 2, 3)
    assert call.finish() is None


@pytest.mark.parametrize("complete", [IDLE, COMPLETE])
def test_an_empty_turn_is_nudged_at_once(complete):
    call = started()
    call.send(Text("When are you open?"))
    call.live(heard(""), complete)
    assert (nudges(call), call.frames(TurnEnd)) == (1, [])

    call.reply("From nine to five.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("When are you open?", "From nine to five.")
    ]
    assert len(call.all(OpenLive)) == 1


def test_a_turn_that_stays_empty_ends_with_an_apology():
    call = started()
    call.send(Text("Hello?"))
    for _ in range(3):
        call.live(IDLE)

    assert (nudges(call), len(call.all(OpenLive))) == (1, 2)
    assert call.to_model[call.generation] == [SendText("Hello?")]
    assert [error.code for error in errors(call)] == ["no_answer"]
    assert len(call.frames(TurnEnd)) == 1
    call.ack()
    assert [turn.heard for turn in call.turns] == ["Hello?"]


def test_the_words_of_a_stalled_turn_are_retracted_when_it_restarts():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND))
    call.pass_ms(1_000 + STALL_MS)
    assert nudges(call) == 1
    call.pass_ms(STALL_MS)

    assert call.frames(TurnRestarted) == [TurnRestarted(1)]


def test_the_end_of_a_reply_may_come_when_it_should_have_been_heard():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND * 20))
    call.pass_ms(20_000 + STALL_MS - 1)
    call.live(IDLE)

    assert nudges(call) == 0
    assert len(call.frames(TurnEnd)) == 1


def test_a_usage_report_is_no_sign_of_life():
    call = started()
    call.utter()
    call.pass_ms(STALL_MS - 1)
    call.live(LiveUsage(TokenUsage(audio_in=5)))
    call.pass_ms(1)

    assert nudges(call) == 1


def test_a_pending_call_is_life():
    call = started()
    call.utter()
    call.call_tool()
    call.pass_ms(3 * STALL_MS)
    call.answer_tool()
    call.reply("At three.")

    assert nudges(call) == 0
    assert len(call.all(OpenLive)) == 1


def test_a_turn_that_only_changed_how_the_user_is_spoken_to_may_end_without_a_word():
    call = started()
    call.utter()
    call.call_tool("x", '{"style":"slowly"}', name="set_preferences")
    call.live(IDLE)
    call.pass_ms(STALL_MS)

    assert nudges(call) == 0
    assert len(call.frames(TurnEnd)) == 1


def test_a_model_that_completes_its_call_without_a_status_may_still_speak():
    call = started()
    call.utter()
    call.call_tool("x", '{"style":"slowly"}', name="set_preferences")
    call.live(COMPLETE)
    call.pass_ms(STALL_MS - 1)
    assert (nudges(call), call.frames(TurnEnd)) == (0, [])
    call.pass_ms(1)
    assert nudges(call) == 1

    call.reply("Slowly it is.")
    call.ack()

    assert call.replies == ["Slowly it is."]


def test_a_turn_is_empty_though_a_call_of_an_earlier_one_is_still_pending():
    call = started()
    call.utter()
    call.call_tool()
    call.reply("Let me look.")
    call.utter()
    call.live(IDLE)
    assert nudges(call) == 1

    call.live(LiveToolCallsCancelled(("x",)), LiveAudio(SECOND), IDLE)
    assert call.ended_turns == [1, 2]
    assert call.asked[0].key == ToolCallKey(1, 1)


def test_the_model_is_not_nudged_while_the_user_speaks():
    call = started()
    call.send(SpeechStart())
    for _ in range(4):
        call.send(Audio(SPEECH))
        call.pass_ms(3_000)
    call.send(SpeechEnd())
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart())
    for _ in range(4):
        call.send(Audio(SPEECH))
        call.pass_ms(3_000)

    assert nudges(call) == 0


def test_silence_that_streams_on_does_not_hide_that_the_model_has_stalled():
    call = started()
    call.send(Audio(SPEECH), Audio(SILENCE))
    for _ in range(40):
        call.pass_ms(200)
        call.send(Audio(SILENCE))

    assert nudges(call) == 1


def test_a_reply_that_the_user_cut_needs_no_more_than_an_end():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND), LiveInterrupted())
    call.pass_ms(1_000 + STALL_MS)

    assert (nudges(call), errors(call)) == (0, [])
    assert call.ended_turns == [1]


def test_a_turn_waits_for_a_live_session_that_is_being_set_up():
    call = started(opens_live=False)
    call.utter()
    call.pass_ms(STALL_MS + 1_000)
    call.open_live()
    call.pass_ms(STALL_MS - 1)
    assert nudges(call) == 0
    call.pass_ms(1)
    assert nudges(call) == 1


def test_an_interruption_that_is_not_answered_is_nudged():
    call = started()
    call.utter()
    call.live(*speaks("Our hours are"))
    call.utter()
    call.live(LiveInterrupted(), COMPLETE)

    call.pass_ms(STALL_MS + 1_000)

    assert nudges(call) == 1
    call.reply("Yes?")
    assert call.ended_turns == [1, 2]


def test_an_interruption_after_the_reply_leaves_no_session_without_a_voice():
    call = started()
    call.reply("Good morning.")
    call.live(LiveInterrupted())
    call.utter()

    call.live(COMPLETE)
    assert nudges(call) == 1
    call.live(COMPLETE)

    assert len(call.all(OpenLive)) == 2
    call.reply("Yes?")
    call.ack()
    assert call.replies == ["Good morning.", "Yes?"]


def test_a_greeting_that_never_ends_is_not_nudged():
    call = started()
    call.live(LiveAudio(SECOND))
    call.pass_ms(30_000)

    assert nudges(call) == 0
    assert len(call.frames(TurnEnd)) == 1


def test_an_open_microphones_question_during_an_endless_reply_is_answered():
    call = started()
    call.live(LiveAudio(SECOND[:960]))
    call.send(Text("Are you there?"))
    asked_ms = call.now_ms

    while not nudges(call) and call.now_ms < asked_ms + 60_000:
        call.send(Audio(SILENCE))
        call.pass_ms(200)

    assert nudges(call) == 1
    assert call.now_ms <= asked_ms + STALL_MS + 400
    assert call.ended_turns == [1]
    call.reply("Yes, I am.")
    call.ack()
    assert [(turn.heard, turn.said) for turn in call.turns][1] == ("Are you there?", "Yes, I am.")


def test_an_unprompted_reply_may_end_empty_before_the_users_question():
    call = started()
    call.live(LiveAudio(SECOND[:960]))
    call.send(Text("Are you there?"))

    call.live(IDLE)

    assert call.ended_turns == [1]
    assert nudges(call) == 0


def test_a_worker_that_lingers_shortly_hears_a_turn_again_once_and_then_gives_it_up():
    call = started(settings=replace(SETTINGS, linger_ms=10_000))
    call.utter()
    call.send(Text("Are you there?"))

    assert call.wait_for_end() is FinishReason.IDLE
    assert [turn.heard for turn in call.turns] == ["", "Are you there?"]
