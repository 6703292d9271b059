"""Words of a reply that come after the end of its turn."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveEvent, LiveInterrupted
from repartee.domain.protocol.frames import Transcript, TurnEnd
from repartee.domain.protocol.messages import Audio, Bye, SpeechEnd, SpeechStart
from repartee.domain.session.effects import AmendTurn, FinishReason
from repartee.domain.session.turns.replies import LATE_WORDS_MS
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import COMPLETE, IDLE, SECOND, SessionHarness, heard, said, started

pytestmark = pytest.mark.unit


def _answered(*events: LiveEvent) -> SessionHarness:
    """The model has answered, and has completed its turn."""
    call = started()
    call.utter()
    call.live(heard("Hello."), LiveAudio(SECOND), *events, IDLE)
    return call


def _words(call: SessionHarness) -> list[tuple[str, str]]:
    return [(turn.heard, turn.said) for turn in call.remembered]


@pytest.mark.parametrize("late_ms", [0, 100, LATE_WORDS_MS])
@pytest.mark.parametrize("is_committed", [False, True])
def test_late_words_belong_to_the_turn_that_is_over(late_ms: int, is_committed: bool) -> None:
    call = _answered(said("Good"))
    if is_committed:
        call.ack()
    call.pass_ms(late_ms)
    call.live(said(" mor"), said("ning."))
    call.ack()

    assert _words(call) == [("Hello.", "Good morning.")]
    assert len(call.all(AmendTurn)) == 2 * is_committed
    assert call.wait_for_end() is FinishReason.IDLE
    shown = [one.text for one in call.frames(Transcript) if (one.turn, one.role) == (1, "model")]
    assert "".join(shown) == "Good morning."
    assert len(call.frames(TurnEnd)) == 1


def test_words_that_come_during_the_commit_are_added_after_it() -> None:
    call = _answered(said("Good"))
    call.takes_commits = False
    call.ack()
    call.live(said(" morning."))
    call.take_commit()

    assert _words(call) == [("Hello.", "Good morning.")]


def test_a_whole_transcript_may_be_late() -> None:
    call = _answered()
    call.live(said("Good morning.", final=True))
    call.ack()

    assert _words(call) == [("Hello.", "Good morning.")]


def test_late_words_are_not_a_part_of_the_reply_to_what_the_user_begins_to_say() -> None:
    call = _answered(said("Good"))
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(said(" morning."))
    call.send(SpeechEnd())
    call.live(heard("When?"), said("At"), LiveAudio(SECOND), said(" three."), IDLE)
    call.ack()

    assert _words(call) == [("Hello.", "Good morning."), ("When?", "At three.")]


def test_late_words_of_a_reply_that_was_cut_are_dropped() -> None:
    call = started()
    call.utter()
    call.live(heard("Hello."), LiveAudio(SECOND), said("Good morning"))
    call.ack(turn=1, played_ms=1_000)
    call.send(SpeechStart(), Audio(SPEECH))
    call.live(LiveInterrupted(), COMPLETE, said(" to you."))
    call.send(SpeechEnd())
    call.live(heard("When?"))
    call.reply("At three.")
    call.ack()

    assert _words(call) == [("Hello.", "Good morning"), ("When?", "At three.")]


@pytest.mark.parametrize("repeat", ["Good morning.", " good morning", "morning"])
def test_words_that_are_known_already_are_not_added(repeat: str) -> None:
    call = _answered(said("Good morning."))
    call.ack()
    call.live(said(repeat))

    assert _words(call) == [("Hello.", "Good morning.")]
    assert call.all(AmendTurn) == []


def test_words_that_come_after_the_user_has_left_are_remembered() -> None:
    call = _answered(said("Good"))
    call.takes_posts = False
    call.send(Bye())
    call.live(said(" morning."))
    call.takes_posts = True
    call.take_post()
    call.wait_for_end()

    assert _words(call) == [("Hello.", "Good morning.")]


def test_words_without_audio_may_speak_the_answer_of_an_open_call() -> None:
    call = started()
    call.utter()
    call.call_tool()
    call.live(LiveAudio(SECOND), said("One moment."), IDLE)
    call.answer_tool("At three.")
    call.live(said("At three."), LiveAudio(SECOND), IDLE)
    call.ack()

    assert [turn.said for turn in call.remembered][-1].endswith("At three.")
    assert call.wait_for_end() is FinishReason.IDLE
    assert call.error_messages == []


def test_words_that_come_much_later_are_a_reply_without_input() -> None:
    call = _answered(said("Good morning."))
    call.pass_ms(LATE_WORDS_MS + 1)
    call.live(said("Are you there?"), LiveAudio(SECOND), IDLE)
    call.ack()

    assert _words(call) == [("Hello.", "Good morning."), ("", "Are you there?")]


def test_words_that_come_twice_do_not_speak_the_answer_of_an_open_call() -> None:
    call = started()
    call.utter()
    call.call_tool()
    call.live(LiveAudio(SECOND), said("One moment."), IDLE)
    call.live(said("One moment."))
    call.ack()
    call.answer_tool("At nine.")
    call.reply("At nine.")
    call.ack()

    assert " ".join(turn.said for turn in call.remembered).count("One moment.") == 1
