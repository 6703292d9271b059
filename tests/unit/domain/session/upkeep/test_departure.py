"""How a worker leaves: idle, closed for good, taken over, or fenced."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.cost.limits import DailyLimits
from repartee.domain.live.model import (
    LiveAudio,
    LiveClosed,
    LiveFailure,
    LiveGenerationComplete,
    LiveInterrupted,
)
from repartee.domain.protocol.frames import ReplyAudio, SessionClosed
from repartee.domain.protocol.messages import Bye, Detached, SpeechStart, Superseded, Text
from repartee.domain.session.effects import (
    CloseConnection,
    CommitTurn,
    Finish,
    FinishReason,
    OpenLive,
    SendText,
)
from repartee.domain.session.events import (
    ConversationLost,
    FromLive,
    LeaseWasLost,
    Tick,
    TimeRunningOut,
)
from repartee.domain.tools.core_calls import END_CALL
from tests.session_harness import SECOND, SETTINGS, SessionHarness, heard, speaks, started

pytestmark = pytest.mark.unit


def test_a_worker_with_nothing_to_do_lingers_and_leaves():
    call = started()
    call.pass_ms(29_999)
    assert call.finish() is None

    call.pass_ms(1)

    assert call.effects[-1] == Finish(FinishReason.IDLE)
    assert call.machine.next_deadline_ms() is None
    assert call.feed(Tick()) == []


def test_the_time_to_linger_begins_with_the_end_of_the_last_turn():
    call = started()
    call.pass_ms(20_000)
    call.utter()
    call.reply()
    call.ack()
    call.pass_ms(29_999)
    assert call.finish() is None

    call.pass_ms(1)

    assert call.finish() is FinishReason.IDLE
    assert call.machine.cursor == call.next_seq - 1


def test_a_worker_does_not_leave_before_its_turn_is_committed():
    call = started(takes_commits=False, settings=replace(SETTINGS, linger_ms=1_000))
    call.utter()
    call.reply()
    call.ack()
    call.pass_ms(60_000)
    assert call.finish() is None

    call.take_commit()

    assert call.finish() is FinishReason.IDLE


def test_a_bye_cuts_the_reply_commits_the_turn_and_closes():
    call = started()
    call.utter()
    call.live(*speaks("One two."))
    call.ack(turn=1, played_ms=500)
    call.send(Bye())

    assert [(turn.said, turn.said_is_approximate) for turn in call.turns] == [("One", True)]
    assert call.posted[-1].frame == SessionClosed("bye")
    assert call.effects[-2:] == [CloseConnection("A"), Finish(FinishReason.ENDED)]


def test_a_reply_after_a_bye_is_neither_played_nor_remembered():
    call = started(takes_commits=False)
    call.utter()
    call.live(LiveAudio(SECOND))
    call.send(Bye())
    played = call.pcm_posted(1)
    call.live(LiveAudio(SECOND), LiveInterrupted(), LiveGenerationComplete())
    call.take_commit()

    assert call.pcm_posted(1) == played
    assert call.frames(ReplyAudio)[-1].turn == 1
    assert len(call.turns) == 1
    assert call.finish() is FinishReason.ENDED


def test_a_bye_without_other_input_is_handled_before_the_model_is_open():
    call = SessionHarness(opens_live=False)
    call.start()
    call.send(SpeechStart(), Bye())

    assert call.finish() is FinishReason.ENDED


def test_text_before_a_bye_is_answered_although_the_model_is_not_open_yet():
    call = SessionHarness(opens_live=False)
    call.start()
    call.send(Text("Are you there?"), Bye())
    assert call.finish() is None
    call.open_live()
    assert call.all(SendText) == [SendText("Are you there?")]
    call.reply("I am.")

    assert [(turn.heard, turn.said) for turn in call.turns] == [("Are you there?", "I am.")]
    assert call.frames(SessionClosed) == [SessionClosed("bye")]


def test_speech_to_a_model_that_never_opens_is_recorded_as_skipped():
    call = SessionHarness(opens_live=False)
    call.start()
    call.hello()
    call.utter()
    call.lose_live(LiveFailure.REFUSED)

    assert [(turn.heard, turn.said) for turn in call.turns] == [("", "")]
    assert call.turns[0].skipped == (SkippedInput(3, 4),)
    assert call.machine.cursor == 5
    assert call.posted[-1].frame == SessionClosed("refused")


def test_speech_to_a_model_that_is_lost_before_it_answers_is_recorded_as_skipped():
    call = started()
    call.utter()
    call.lose_live(LiveFailure.REFUSED)

    assert [turn.skipped for turn in call.turns] == [(SkippedInput(2, 5),)]


def test_text_to_a_model_that_never_opens_is_remembered():
    call = SessionHarness(opens_live=False)
    call.start()
    call.send(Text("Are you there?"), Text("Hello?"))
    call.lose_live(LiveFailure.REFUSED)

    assert [(turn.heard, turn.skipped) for turn in call.turns] == [("Are you there? Hello?", ())]


def test_speech_transcribed_before_the_model_was_lost_is_remembered_and_not_skipped():
    call = started()
    call.utter()
    call.live(heard("call me back"))
    call.lose_live(LiveFailure.REFUSED)

    assert [(turn.heard, turn.skipped) for turn in call.turns] == [("call me back", ())]


def test_speech_before_a_bye_is_heard_by_the_model_although_it_is_not_there_yet():
    call = SessionHarness(opens_live=False)
    call.start()
    call.utter()
    call.send(Bye())
    assert call.finish() is None
    call.open_live()
    call.live(heard("please note it"))
    call.reply("It is noted.")

    assert [turn.heard for turn in call.turns] == ["please note it"]
    assert call.frames(SessionClosed) == [SessionClosed("bye")]


def test_the_last_words_before_a_bye_are_answered_and_remembered():
    call = started()
    call.utter()
    call.send(Bye())
    assert call.frames(SessionClosed) == []
    call.reply("You are booked.")

    assert call.replies == ["You are booked."]
    assert call.posted[-1].frame == SessionClosed("bye")


def test_nothing_after_a_bye_is_taken():
    call = started()
    call.read(call.numbered(Bye()), call.numbered(Text("Oh, and")))

    assert call.all(SendText) == []
    assert call.finish() is FinishReason.ENDED


def test_a_bye_on_a_dead_connection_ends_the_session():
    call = started()
    call.notice(Detached("A"))
    call.send(Bye())
    call.pass_ms(3_000)

    assert call.finish() is FinishReason.ENDED
    assert call.all(CloseConnection) == []


def test_a_client_that_comes_back_in_time_hears_that_its_session_is_closed():
    call = started()
    call.notice(Detached("A"))
    call.feed(ConversationLost(is_erased=True))
    assert call.finish() is None
    call.hello("B")

    assert call.posted[-1].frame == SessionClosed("erased")
    assert call.finish() is FinishReason.ENDED


def test_a_client_that_takes_no_more_frames_does_not_keep_a_closed_session():
    call = started(takes_posts=False)
    call.send(Bye())
    call.pass_ms(2_999)
    assert call.finish() is None
    call.pass_ms(1)

    assert call.finish() is FinishReason.ENDED


def test_all_turns_are_committed_before_a_closed_session_is_left():
    call = started(takes_commits=False)
    for _ in range(3):
        call.utter()
        call.reply()
    call.send(Bye())
    for _ in range(3):
        assert call.finish() is None
        call.take_commit()

    assert [turn.number for turn in call.turns] == [1, 2, 3]
    assert call.finish() is FinishReason.ENDED


def test_an_end_that_comes_late_still_commits_what_it_can():
    call = started(takes_commits=False)
    for _ in range(2):
        call.utter()
        call.reply()
    call.ack()
    call.send(Bye())
    call.pass_ms(3_000)
    assert call.finish() is None
    call.take_commit()
    call.take_commit()

    assert [turn.number for turn in call.turns] == [1, 2]
    assert call.finish() is FinishReason.ENDED


def test_after_the_lease_is_lost_nothing_more_is_done():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND))

    assert call.feed(LeaseWasLost()) == [Finish(FinishReason.FENCED)]
    assert call.reply() == []
    assert call.ack() == []
    assert call.pass_ms(60_000) == []


def test_a_session_that_is_closed_is_not_opened_again_by_a_live_session_that_ends():
    call = started(takes_posts=False)
    call.send(Bye())
    call.feed(FromLive(call.generation, LiveClosed(LiveFailure.REFUSED, 1008, "")))
    call.wait_for_end()

    assert len(call.all(OpenLive)) == 1
    assert call.all(CommitTurn) == []
    assert call.finish() is FinishReason.ENDED


def test_a_second_utterance_that_was_not_understood_is_recorded_beside_the_first():
    call = started()
    call.utter()
    call.live(heard("Hello."))
    call.utter()
    call.notice(Superseded("S2"))

    assert [(turn.heard, turn.skipped) for turn in call.turns] == [
        ("Hello.", (SkippedInput(6, 9),))
    ]


def test_last_words_that_the_model_does_not_answer_are_recorded_as_skipped():
    call = started()
    call.utter()
    call.send(Bye())
    assert call.wait_for_end() is FinishReason.ENDED

    (turn,) = call.turns
    assert (turn.heard, turn.said, turn.skipped) == ("", "", (SkippedInput(2, 6),))


def test_speech_that_was_not_understood_is_recorded_beside_the_text_typed_after_it():
    call = started()
    call.utter()
    call.send(Text("Hello?"))
    call.notice(Superseded("S2"))

    [turn] = call.turns
    assert turn.heard == "Hello?"
    assert [gap.first_seq for gap in turn.skipped] == [2]


def heard_in(call: SessionHarness) -> str:
    """Return all that the turns in memory have heard."""
    return " ".join(turn.heard for turn in call.turns)


@pytest.mark.parametrize("turns_without_listener", [0, 3])
def test_input_waiting_when_a_client_hangs_up_is_remembered(turns_without_listener: int):
    call = started(settings=replace(SETTINGS, turns_without_listener=turns_without_listener))
    call.send(Text("One?"))
    call.notice(Detached("A"))
    call.send(Text("Two?"), Text("Three?"), Bye())

    call.pass_ms(500)
    call.reply("Answer one.")
    assert call.wait_for_end() is FinishReason.ENDED

    assert [word in heard_in(call) for word in ("One?", "Two?", "Three?")] == [True] * 3


def test_input_waiting_when_the_daily_limit_is_reached_is_remembered():
    call = SessionHarness(settings=replace(SETTINGS, limits=DailyLimits(talk_s=1)))
    call.start()
    call.hello()
    call.send(Text("One?"), Text("Two?"), Text("Three?"))

    call.pass_ms(3_000)
    call.reply("Answer one.")
    call.reply("That was it for today.")
    call.ack()
    assert call.wait_for_end() is FinishReason.ENDED

    assert [word in heard_in(call) for word in ("One?", "Two?", "Three?")] == [True] * 3


def test_a_worker_that_runs_out_of_time_in_a_farewell_leaves_what_waits_to_the_next_one():
    call = started()
    call.send(Text("One?"), Text("Two?"))
    call.call_tool("x", "{}", END_CALL)
    call.live(LiveAudio(SECOND))

    call.feed(TimeRunningOut(15_000))

    assert call.wait_for_end() is FinishReason.HAND_OVER
    assert call.machine.cursor < call.next_seq - 1
