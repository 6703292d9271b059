"""The boundaries of turns, and their transcripts and costs."""

from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import (
    LiveAudio,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveUnknown,
    LiveUsage,
)
from repartee.domain.protocol.frames import ReplyAudio, Transcript, TurnEnd
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart, Text
from repartee.domain.session.client.frame_bundles import MAX_BUNDLE_BYTES
from repartee.domain.session.effects import CommitTurn, OpenLive, SendAudio
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import (
    COMPLETE,
    IDLE,
    IN_PROGRESS,
    PRICES,
    SECOND,
    SessionHarness,
    heard,
    remembering,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit


def test_an_utterance_and_its_reply_are_one_turn():
    call = started()
    call.utter()
    call.live(heard("Hello "), heard("there."))
    call.pass_ms(300)
    call.reply("Good morning.")
    call.ack()

    (turn,) = call.turns
    assert (turn.number, turn.session_id) == (1, "S")
    assert (turn.heard, turn.said, turn.said_is_approximate) == (
        "Hello there.",
        "Good morning.",
        False,
    )
    assert turn.first_audio_ms == 300
    assert turn.started_at_ms == NOON_MS + 1_000
    assert turn.ended_at_ms == NOON_MS + 1_300


def test_the_reply_goes_to_the_client_with_its_text_and_its_end():
    call = started()
    call.utter()
    call.live(heard("Hi"))
    call.reply("Hello.", pcm=SECOND[:40_000])

    assert call.pcm_posted(1) == SECOND[:40_000]
    assert max(len(frame.pcm) for frame in call.frames(ReplyAudio)) <= MAX_BUNDLE_BYTES
    assert call.frames(Transcript) == [
        Transcript(1, "user", "Hi", False),
        Transcript(1, "model", "Hello.", False),
    ]
    assert call.frames(TurnEnd)[0].turn == 1


def test_a_turn_continues_while_its_status_is_in_progress():
    call = started()
    call.utter()
    call.live(*speaks("Let me look."), IN_PROGRESS)
    assert call.frames(TurnEnd) == []

    call.reply("At three.")
    call.ack()

    assert call.turns[0].said == "Let me look. At three."


def test_a_completed_turn_without_a_status_is_over():
    call = started()
    call.utter()
    call.live(*speaks("Hi."), COMPLETE)

    assert len(call.frames(TurnEnd)) == 1


def test_a_progress_report_without_a_turn_changes_nothing():
    call = started()
    call.live(
        IN_PROGRESS,
        COMPLETE,
        LiveInterrupted(),
        LiveGenerationComplete(),
        LiveUnknown(("x",)),
    )

    assert call.frames(TurnEnd) == []


def test_a_greeting_is_a_turn_without_input():
    call = started()
    call.reply("Welcome.")
    call.ack()

    assert (call.turns[0].heard, call.turns[0].said) == ("", "Welcome.")
    assert call.turns[0].first_audio_ms is None


def test_speaking_again_before_the_reply_begins_is_the_same_turn():
    call = started()
    call.utter()
    first = call.machine.cursor
    call.utter()
    call.reply()
    call.ack()

    assert len(call.turns) == 1
    assert call.machine.cursor > first


def test_transcripts_of_two_utterances_are_not_glued_together():
    call = started()
    call.utter()
    call.live(heard("Book me a table."))
    call.utter()
    call.live(heard("For fri"), heard("day"))
    call.reply("Done.")
    call.ack()

    assert [turn.heard for turn in call.turns] == ["Book me a table. For friday"]
    shown = [frame.text for frame in call.frames(Transcript) if frame.role == "user"]
    assert "".join(shown) == "Book me a table. For friday"


def test_a_transcript_that_follows_a_finished_one_is_not_glued_to_it():
    call = started()
    call.utter()
    call.utter()
    call.live(
        heard("Book me a table.", final=True),
        heard("For Friday.", final=True),
    )
    call.reply("Done.")
    call.ack()

    assert [turn.heard for turn in call.turns] == ["Book me a table. For Friday."]


def test_speech_during_the_reply_is_the_next_turn():
    call = started()
    call.utter()
    call.live(heard("Go on"), *speaks("Long story"))
    call.utter()
    call.live(heard("Stop"), COMPLETE)
    call.reply("Yes?")
    call.ack()

    assert [(turn.number, turn.heard, turn.said) for turn in call.turns] == [
        (1, "Go on", "Long story"),
        (2, "Stop", "Yes?"),
    ]


def test_a_generation_that_ends_while_the_user_speaks_does_not_end_the_users_turn():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(IDLE)
    call.send(SpeechEnd())
    assert call.frames(TurnEnd) == []

    call.reply()

    assert len(call.frames(TurnEnd)) == 1


def test_every_token_is_billed_to_the_turn_it_was_used_in():
    call = started()
    call.utter()
    call.live(LiveUsage(TokenUsage(audio_in=100)))
    call.reply()
    call.live(LiveUsage(TokenUsage(audio_out=20)))
    call.ack()

    assert call.turns[0].usage == TokenUsage(audio_in=100, audio_out=20)
    assert call.turns[0].cost_usd == PRICES.cost_usd(call.turns[0].usage) == Decimal("0.00028")


def test_a_bill_that_comes_too_late_begins_no_turn_and_is_paid_by_the_next():
    call = started()
    call.utter()
    call.reply()
    call.ack()

    call.live(LiveUsage(TokenUsage(text_out=7)))
    call.pass_ms(5_000)
    assert len(call.frames(TurnEnd)) == 1
    call.utter()
    call.reply()
    call.ack()

    assert [turn.usage.text_out for turn in call.turns] == [0, 7]


def test_a_client_without_marks_is_followed_by_a_detector():
    call = started()
    call.send(Audio(SPEECH), Audio(SILENCE))
    call.pass_ms(250)
    call.reply()
    call.ack()

    assert call.turns[0].first_audio_ms == 250
    assert call.machine.cursor == call.next_seq - 1


def test_silence_after_a_greeting_ends_no_input():
    call = started()
    call.send(Audio(SPEECH), Audio(SILENCE))
    call.reply()
    call.live(LiveAudio(SECOND))
    call.send(SpeechStart(), SpeechEnd(), SpeechEnd())
    call.live(COMPLETE)

    assert [end.first_audio_ms for end in call.frames(TurnEnd)] == [0, None]


def test_an_utterance_that_never_ends_ends_its_turn_when_the_worker_has_lingered():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("Hello?"))

    call.pass_ms(29_999)
    assert call.frames(TurnEnd) == []
    call.pass_ms(1)
    assert len(call.frames(TurnEnd)) == 1


def test_a_long_reply_is_not_taken_for_silence():
    call = started()
    call.utter()
    for _ in range(10):
        call.pass_ms(5_000)
        call.live(LiveAudio(SECOND))

    assert call.frames(TurnEnd) == []
    assert call.finish() is None


def test_the_live_session_is_opened_with_what_is_known_of_the_user():
    turn = replace(_committed(), heard="I am Ada", said="Hello Ada")
    profile = Profile("U", language="de-DE", voice="Puck")
    call = SessionHarness(memory=remembering(turn, profile=profile))
    call.start()

    (opened,) = call.all(OpenLive)
    assert (opened.config.language, opened.config.voice) == ("de-DE", "Puck")
    assert [entry.text for entry in opened.config.history] == ["I am Ada", "Hello Ada"]
    assert "Friday, 2026-11-20, 12:00 in Europe/London" in opened.config.system_instruction


def _committed() -> Turn:
    call = started()
    call.send(Text("x"))
    call.reply()
    call.ack()
    return call.turns[0]


def test_turn_numbers_continue_the_conversation():
    call = started(memory=remembering(_committed(), _committed()))
    call.utter()
    call.reply()
    call.ack()

    assert [turn.number for turn in call.turns] == [3]


def test_the_commit_of_a_turn_does_not_consume_the_next_utterance():
    call = started()
    call.utter()
    call.reply()
    call.send(SpeechStart())
    onset = call.next_seq - 1
    call.send(Audio(SPEECH), Audio(SPEECH))

    call.ack()

    assert [commit.cursor for commit in call.all(CommitTurn)] == [onset - 1]
    assert call.machine.cursor == onset - 1
    assert max(call.deleted) == onset - 1


def test_speech_that_continues_over_a_reply_belongs_to_an_unanswered_turn():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("Hello"), said("Good"))
    call.live(LiveInterrupted(), IDLE)
    call.ack()
    assert [(one.heard, one.said) for one in call.turns] == [("", "Good")]
    assert call.machine.cursor == 1

    call.send(Audio(SPEECH), SpeechEnd())
    call.live(heard(", when do you open?"))
    call.reply("At nine.")
    call.ack()

    assert [(one.heard, one.said) for one in call.turns] == [
        ("", "Good"),
        ("Hello, when do you open?", "At nine."),
    ]
    assert call.machine.cursor == 5


def test_words_answered_before_an_interruption_stay_in_their_turn():
    call = started()
    call.send(Text("Hello"), SpeechStart(), Audio(SPEECH))
    call.live(said("Good"), LiveInterrupted(), COMPLETE)
    call.ack()
    assert [(one.heard, one.said) for one in call.turns] == [("Hello", "Good")]
    assert call.machine.cursor == 2

    call.lose_live()

    assert call.to_model[call.generation] == [SendAudio(SPEECH)]


def test_speech_that_starts_over_a_reply_belongs_to_the_turn_that_began_there():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("Hello."), said("Good"))
    call.send(SpeechStart(), Audio(SPEECH), SpeechEnd())
    call.live(LiveInterrupted(), IDLE, heard("When do you open?"))
    call.reply("At nine.")
    call.ack()

    assert [(one.heard, one.said) for one in call.turns] == [
        ("Hello.", "Good"),
        ("When do you open?", "At nine."),
    ]


def test_the_utterance_that_continues_over_the_reply_belongs_to_the_next_turn():
    call = started()
    call.utter()
    call.live(heard("One."))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(heard("Two"), LiveAudio(SECOND), LiveInterrupted())
    call.live(COMPLETE)
    call.send(Audio(SPEECH), SpeechEnd())
    call.live(heard(" and three."))
    call.reply()
    call.ack()

    assert [turn.heard for turn in call.turns] == ["One.", "Two and three."]
