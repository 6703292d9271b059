"""Cues ask the model to speak without a question: one at a time, and none is lost.

Each text interrupts the present or the coming reply.
"""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.model import LiveGoAway, LiveInterrupted, LiveText
from repartee.domain.protocol.messages import Audio, OutputPosition, SpeechEnd, SpeechStart
from repartee.domain.session.effects import FinishReason, OpenLive
from repartee.domain.session.events import TimeRunningOut
from repartee.domain.session.state import UndeliveredTurn
from repartee.domain.session.timing import SPEAK_WITHIN_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import (
    COMPLETE,
    EPOCH,
    IN_PROGRESS,
    MEMORY,
    SETTINGS,
    STATE,
    SessionHarness,
    heard,
    pending,
    remembering,
    said,
    started,
)

pytestmark = pytest.mark.unit

UNHEARD = Turn(1, STATE.session_id, 0, 1, said="We open at nine.")
AFTER_MS = SETTINGS.filler_after_ms


def returning(*questions: str, **fields: object) -> SessionHarness:
    """A client that missed its last reply is back; the calls of ``questions`` are still open."""
    calls = tuple(pending(1, index, text) for index, text in enumerate(questions, start=1))
    state = replace(
        STATE,
        epoch=EPOCH + 1,
        cursor=2,
        pending_calls=calls,
        undelivered=(UndeliveredTurn(1, OutputPosition(EPOCH, 9)),),
    )
    call = SessionHarness(state=state, memory=remembering(UNHEARD), **fields)  # type: ignore[arg-type]
    call.start()
    call.hello("B", received=2)
    return call


def test_an_owed_answer_waits_until_the_lost_reply_was_repeated():
    call = returning("When?")
    call.answer_tool("At three.")
    assert ["We open at nine." in text for text in call.texts] == [True]

    call.reply("We open at nine.")

    assert ["At three." in text for text in call.texts] == [False, True]


def test_an_owed_answer_does_not_interrupt_another_one():
    call = started(state=replace(STATE, pending_calls=(pending(1, 1, "a"), pending(1, 2, "b"))))
    call.answer_tool("At three.", index=1)
    call.answer_tool("In Rome.", index=2)
    assert len(call.texts) == 1

    call.reply("At three.")

    assert [text.count("In Rome.") for text in call.texts] == [0, 1]


def test_a_cue_that_the_model_ignores_is_awaited_as_long_as_the_stall_timeout():
    call = returning("When?")
    call.answer_tool("At three.")

    call.pass_ms(SPEAK_WITHIN_MS - 1)
    assert len(call.texts) == 1
    call.pass_ms(1)

    assert "At three." in call.texts[1]


def test_a_filler_does_not_interrupt_an_answer_that_is_about_to_be_spoken():
    call = started()
    call.utter()
    call.call_tool("x", '{"question":"a"}')
    call.call_tool("y", '{"question":"b"}')
    call.live(said("One moment."), IN_PROGRESS)
    call.pass_ms(AFTER_MS - 1)
    call.answer_tool("At three.", index=1)

    call.pass_ms(2 * AFTER_MS)
    assert call.texts == []
    call.reply("At three.")
    call.pass_ms(1_000 + AFTER_MS)

    assert len(call.texts) == 1


def test_a_spoken_filler_does_not_mark_a_simultaneous_answer_as_spoken():
    call = started()
    call.utter()
    call.call_tool("x")
    call.reply("One moment.")
    call.ack()
    call.pass_ms(2 * AFTER_MS)
    call.answer_tool("At three.")
    call.reply("Still looking.")
    call.ack()

    call.lose_live()

    assert "At three." in call.texts[-1]


def test_a_lost_reply_is_said_by_the_next_live_session_if_this_one_is_lost_before():
    call = returning()
    call.lose_live()

    assert ["We open at nine." in text for text in call.texts] == [True, True]
    call.reply("We open at nine.")
    call.lose_live()

    assert len(call.texts) == 2


def test_a_live_session_that_is_sent_away_says_the_lost_reply_first():
    call = returning()
    call.live(LiveGoAway(60_000))
    assert len(call.all(OpenLive)) == 1

    call.reply("We open at nine.")

    assert len(call.all(OpenLive)) == 2
    assert len(call.texts) == 1


def test_a_worker_whose_time_runs_out_has_the_lost_reply_said_first():
    call = returning(opens_live=False)
    call.feed(TimeRunningOut(90_000))
    assert call.finish() is None
    call.open_live()
    assert call.finish() is None

    call.reply("We open at nine.")
    call.ack()

    assert call.finish() is FinishReason.HAND_OVER


def test_a_cue_that_was_interrupted_at_once_is_not_repeated():
    call = returning()
    call.utter()
    call.live(said("We"), LiveInterrupted(), COMPLETE)
    call.reply("Of course.")
    call.ack()
    call.pass_ms(SPEAK_WITHIN_MS)

    assert len(call.texts) == 1


def test_a_session_without_a_memory_has_nothing_to_say_again():
    state = replace(STATE, undelivered=(UndeliveredTurn(1, OutputPosition(EPOCH, 9)),))

    call = started(state=state, memory=MEMORY)

    assert call.texts == []


def test_a_text_part_of_the_reply_ends_the_wait_for_a_cue():
    undelivered = (UndeliveredTurn(1, OutputPosition(EPOCH - 1, 9)),)
    state = replace(STATE, undelivered=undelivered, pending_calls=(pending(),))
    call = started(state=state, memory=remembering(UNHEARD))
    call.live(LiveText("We open at"))
    call.pass_ms(AFTER_MS)

    assert len(call.texts) == 2


def test_speech_that_begins_before_the_answer_to_a_cue_is_a_turn_of_its_own():
    call = returning()
    call.send(SpeechStart(), Audio(SPEECH))
    call.reply("We open at nine.")
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(said("You"), heard("What is my name?", final=True))
    call.reply(" are Linda.")
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("", "We open at nine."),
        ("What is my name?", "You are Linda."),
    ]


def test_a_reply_to_speech_that_was_heard_is_no_answer_to_a_cue():
    call = returning()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("What is my name?", final=True))
    call.reply("You are Linda.")
    call.send(SpeechEnd())
    call.ack()

    assert [(turn.heard, turn.said) for turn in call.turns] == [
        ("What is my name?", "You are Linda.")
    ]
