"""A worker whose time is up: it leaves between two turns, or has to leave in one."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveClosed, LiveFailure
from repartee.domain.protocol.frames import TurnEnd, TurnRestarted
from repartee.domain.protocol.messages import Audio, Bye, SpeechStart, Text
from repartee.domain.session.effects import Finish, FinishReason
from repartee.domain.session.events import TimeRunningOut, TurnCommitted
from tests.fakes.speech_detector import SPEECH
from tests.session_harness import SECOND, SessionHarness, heard, said, speaks, started

pytestmark = pytest.mark.unit

HAND_OVER = TimeRunningOut(90_000)
FORCED = TimeRunningOut(20_000)


def test_a_hand_over_waits_for_the_boundary_between_turns():
    call = started()
    call.utter()
    call.feed(HAND_OVER)
    call.reply()
    assert call.finish() is None

    call.ack()

    assert call.finish() is FinishReason.HAND_OVER
    assert len(call.turns) == 1
    assert call.machine.cursor == call.next_seq - 1


def test_time_that_is_up_when_nothing_is_under_way_needs_no_more_of_it():
    call = started()
    call.feed(FORCED)

    assert call.finish() is FinishReason.HAND_OVER
    assert call.frames(TurnRestarted) == []


def test_a_hand_over_between_turns_is_immediate():
    call = started()
    assert call.feed(HAND_OVER) == [Finish(FinishReason.HAND_OVER)]


def test_a_hand_over_waits_for_a_call():
    call = started()
    call.utter()
    call.call_tool()
    call.reply()
    call.ack()
    call.feed(HAND_OVER)
    assert call.finish() is None

    call.answer_tool()
    assert call.finish() is None
    call.reply("At three.")
    call.ack()

    assert call.finish() is FinishReason.HAND_OVER


def test_input_that_waits_for_the_model_is_left_to_the_successor():
    call = SessionHarness(opens_live=False)
    call.start()
    call.send(Text("Hello"))
    call.feed(HAND_OVER)

    assert call.finish() is FinishReason.HAND_OVER
    assert call.machine.cursor == 0


def test_a_forced_hand_over_informs_the_client_and_leaves_the_turn_to_the_successor():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND))
    call.feed(HAND_OVER)
    call.feed(FORCED)

    assert call.posted[-1].frame == TurnRestarted(1)
    assert call.finish() is FinishReason.HAND_OVER
    assert call.machine.cursor == 1


def test_a_forced_hand_over_commits_what_is_finished_first():
    call = started(takes_commits=False)
    call.utter()
    call.reply()
    call.send(SpeechStart(), Audio(SPEECH))
    onset = call.next_seq - 2
    call.feed(FORCED)
    call.live(LiveAudio(SECOND), LiveClosed(LiveFailure.DROPPED, 1006, ""))
    call.send(Audio(SPEECH))
    assert call.finish() is None
    call.take_commit()

    assert len(call.turns) == 1
    assert call.finish() is FinishReason.HAND_OVER
    assert call.machine.cursor == onset - 1


def test_a_forced_hand_over_needs_no_word_about_a_turn_without_a_reply():
    call = started()
    call.utter()
    call.feed(FORCED)

    assert call.frames(TurnRestarted) == []
    assert call.finish() is FinishReason.HAND_OVER


def test_a_forced_hand_over_cuts_a_reply_without_input():
    call = started()
    call.live(*speaks("Welcome"))
    call.feed(FORCED)

    assert len(call.turns) == 1
    assert len(call.frames(TurnEnd)) == 1
    assert call.finish() is FinishReason.HAND_OVER


def test_a_forced_hand_over_does_not_wait_for_ever():
    call = started(takes_commits=False)
    call.utter()
    call.reply()
    call.feed(FORCED)
    call.pass_ms(2_999)
    assert call.finish() is None
    call.pass_ms(1)

    assert call.finish() is FinishReason.HAND_OVER


def test_a_commit_that_succeeds_after_the_worker_has_left_moves_the_cursor():
    call = started(takes_commits=False)
    call.utter()
    call.reply()
    call.feed(FORCED)
    call.pass_ms(3_000)
    before = call.machine.cursor

    assert call.feed(TurnCommitted()) == []

    assert call.machine.cursor > before
    assert call.feed(TurnCommitted()) == []


def test_time_that_runs_out_during_a_farewell_cuts_it_short():
    call = started()
    call.utter()
    call.call_tool("x", "{}", name="end_call")
    call.live(said("Good"))
    call.feed(FORCED)
    call.live(said("bye"))
    call.wait_for_end()

    assert call.finish() is FinishReason.ENDED
    assert call.replies == ["Good"]
    assert call.now_ms <= 1_000 + 2 * 3_000


@pytest.mark.parametrize("events", [(), (LiveAudio(SECOND),)])
def test_last_words_before_a_goodbye_are_left_to_the_successor_with_the_goodbye(events):
    call = started()
    first_seq = call.next_seq
    call.utter()
    call.send(Bye())
    call.live(*events)
    call.feed(FORCED)

    assert call.finish() is FinishReason.HAND_OVER
    assert call.turns == []
    assert call.machine.cursor == first_seq - 1


def test_a_goodbye_without_last_words_ends_the_session_however_late_it_is():
    call = started()
    call.send(Bye())
    call.feed(FORCED)
    call.ack()
    assert call.finish() is FinishReason.ENDED


def test_a_reply_without_input_is_no_reason_to_keep_a_session_after_the_goodbye():
    call = started()
    call.live(heard("Hello"))
    call.send(Bye())
    call.feed(FORCED)
    call.ack()
    call.pass_ms(5_000)
    assert call.finish() is FinishReason.ENDED
