"""A reply that is no longer buffered is shown as text and repeated to a client that comes back."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.live.model import LiveAudio, LiveInterrupted
from repartee.domain.protocol.frames import ReplyLost, Transcript
from repartee.domain.protocol.messages import (
    Acknowledged,
    Detached,
    Hello,
    Notified,
    OutputPosition,
    Text,
)
from repartee.domain.session.client.undelivered import MAX_UNDELIVERED
from repartee.domain.session.effects import (
    CloseConnection,
    CommitTurn,
    FinishReason,
    PostFrame,
    SendText,
    SetUndelivered,
)
from repartee.domain.session.events import TimeRunningOut
from repartee.domain.session.memory.lost_replies import ACKNOWLEDGED_WITHIN_MS
from repartee.domain.session.state import UndeliveredTurn
from tests.session_harness import (
    EPOCH,
    IDLE,
    SECOND,
    SETTINGS,
    STATE,
    SessionHarness,
    remembering,
    started,
)

pytestmark = pytest.mark.unit


def _with_a_long_reply_begun() -> tuple[SessionHarness, int]:
    """A call whose second reply exceeds the buffer, and the last number before that reply."""
    call = started(settings=replace(SETTINGS, grace_ms=5_000))
    call.send(Text("Hello"))
    call.reply("The words before.")
    call.ack()
    call.utter()
    received = len(call.posted)
    for _ in range(40):
        call.live(LiveAudio(SECOND))
    return call, received


def test_lost_output_is_reported_and_repeated_once_its_turn_is_over():
    call, received = _with_a_long_reply_begun()

    call.hello("B", received=received)
    call.ack()
    assert call.frames(ReplyLost) == []
    call.reply("A long story.")

    assert call.frames(ReplyLost) == [ReplyLost(2, "A long story.")]
    (asked,) = call.all(SendText)[1:]
    assert "A long story." in asked.text
    call.reply("A long story.")
    call.ack()
    call.hello("C")
    assert len(call.frames(ReplyLost)) == 1
    assert len(call.all(SendText)) == 2


def test_a_later_turn_is_not_taken_for_the_one_whose_audio_is_lost():
    call, received = _with_a_long_reply_begun()
    call.reply("A long story.")
    call.pass_ms(5_000)
    assert len(call.turns) == 2
    call.send(Text("And now?"))
    call.reply("Now it is noon.")

    call.hello("B", received=received)

    assert call.frames(ReplyLost) == [ReplyLost(2, "A long story.")]
    assert "A long story." in call.all(SendText)[-1].text


def test_resume_reports_nothing_where_the_released_audio_was_received():
    call, _ = _with_a_long_reply_begun()

    call.hello("B", received=len(call.posted) - 60)
    call.reply("A long story.")

    assert call.frames(ReplyLost) == []
    assert len(call.all(SendText)) == 1


def test_lost_audio_of_an_interrupted_reply_is_not_reported():
    call, received = _with_a_long_reply_begun()
    call.live(LiveInterrupted(), IDLE)

    call.hello("B", received=received)

    assert call.frames(ReplyLost) == []


def test_lost_audio_of_a_reply_that_restarts_is_not_missed():
    call, received = _with_a_long_reply_begun()
    call.hello("B", received=received)
    call.lose_live()
    call.reply("A short one.")

    assert call.frames(ReplyLost) == []


def test_audio_that_was_never_posted_is_shown_as_text_and_said_to_a_client_that_comes_back():
    call = started()
    call.send(Text("Hello"))
    call.notice(Detached("A"))
    received = len(call.posted)
    for _ in range(40):
        call.live(LiveAudio(SECOND))
    call.reply("A long story.")

    call.hello("B", received=received)

    assert call.frames(ReplyLost) == [ReplyLost(1, "A long story.")]
    assert len(call.all(SendText)) == 2


def test_a_client_too_slow_for_a_reply_is_shown_it_and_not_given_it_again():
    call = started(takes_posts=False)
    call.send(Text("Hello"))
    for _ in range(40):
        call.live(LiveAudio(SECOND))
    call.reply("A long story.")

    call.takes_posts = True
    call.take_post()

    assert call.frames(ReplyLost) == [ReplyLost(1, "A long story.")]
    assert len(call.all(SendText)) == 1


def _after_a_worker_whose_client_was_gone() -> tuple[Turn, UndeliveredTurn]:
    """The turn that a worker committed without having delivered it."""
    call = started(settings=replace(SETTINGS, grace_ms=5_000))
    call.send(Text("Hello"))
    call.live(LiveAudio(SECOND))
    call.notice(Detached("A"))
    call.reply("We open at nine.")
    call.wait_for_end()
    (commit,) = call.all(CommitTurn)
    (undelivered,) = commit.undelivered
    return commit.turn, undelivered


def _successor(*turns: Turn, undelivered: tuple[UndeliveredTurn, ...]) -> SessionHarness:
    state = replace(STATE, epoch=EPOCH + 1, cursor=2, undelivered=undelivered)
    call = SessionHarness(state=state, memory=remembering(*turns))
    call.start()
    return call


def test_a_turn_that_was_delivered_is_committed_as_such():
    call = started()
    call.utter()
    call.reply()
    call.ack()

    assert call.all(CommitTurn)[0].undelivered == ()


def test_a_lost_reply_is_shown_and_repeated_once():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))

    call.hello("B", received=2)

    assert call.frames(ReplyLost) == [ReplyLost(1, "We open at nine.")]
    (asked,) = call.all(SendText)
    assert "We open at nine." in asked.text
    call.reply("We open at nine.")
    call.ack()
    assert [(one.number, one.said) for one in call.turns] == [(2, "We open at nine.")]
    call.hello("C", received=2)
    assert len(call.frames(ReplyLost)) == len(call.all(SendText)) == 1


def test_a_reply_is_repeated_to_a_client_that_received_nothing():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))

    call.hello("B")

    assert len(call.all(SendText)) == 1


def test_a_reply_whose_end_did_not_arrive_is_repeated():
    call = started()
    call.send(Text("Hello"))
    call.takes_posts = False
    call.reply("We open at nine.")
    call.feed(TimeRunningOut(20_000))
    (commit,) = call.all(CommitTurn)
    call.take_post()
    last = call.all(PostFrame)[-1].frame
    assert last.frame == Transcript(1, "model", "We open at nine.", False)

    successor = _successor(commit.turn, undelivered=commit.undelivered)
    successor.hello("B", received=last.seq)

    assert successor.frames(ReplyLost) == [ReplyLost(1, "We open at nine.")]


@pytest.mark.parametrize("how", ["hello", "ack"])
def test_a_reply_that_arrived_late_is_not_repeated(how):
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    if how == "ack":
        call.notice(Acknowledged(undelivered.ends_at, 0, 0))
        call.hello("B", received=2)
    else:
        call.hello("B", received=undelivered.ends_at.seq)

    assert call.frames(ReplyLost) == []
    assert call.all(SendText) == []


def test_a_client_whose_connection_outlived_the_worker_sees_and_hears_the_reply_that_it_missed():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    call.notice(Acknowledged(OutputPosition(EPOCH, undelivered.ends_at.seq - 1), 0, 0))
    # The first frame of a new worker has come. It says nothing about the earlier worker.
    call.notice(Acknowledged(OutputPosition(EPOCH + 1, 1), 0, 0))
    assert call.frames(ReplyLost) == []

    call.pass_ms(ACKNOWLEDGED_WITHIN_MS)

    assert call.frames(ReplyLost) == [ReplyLost(1, "We open at nine.")]
    (asked,) = call.all(SendText)
    assert "We open at nine." in asked.text
    call.hello("B", received=2)
    assert len(call.all(SendText)) == 1


def test_a_client_whose_line_outlived_the_worker_may_have_it_all():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    call.notice(Acknowledged(undelivered.ends_at, 0, 0))

    call.pass_ms(ACKNOWLEDGED_WITHIN_MS)

    assert call.frames(ReplyLost) == []
    assert call.all(SendText) == []


@pytest.mark.parametrize("how", ["hello", "ack"])
def test_a_reply_that_arrived_late_is_not_repeated_by_a_later_worker_either(how):
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    if how == "ack":
        call.notice(Acknowledged(undelivered.ends_at, 0, 0))
        call.notice(Acknowledged(undelivered.ends_at, 0, 1))
    else:
        call.hello("B", received=undelivered.ends_at.seq)
    assert call.all(SetUndelivered) == [SetUndelivered(())]


def test_what_the_client_still_lacks_is_not_stored_again():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    call.notice(Acknowledged(OutputPosition(EPOCH, undelivered.ends_at.seq - 1), 0, 0))
    call.pass_ms(ACKNOWLEDGED_WITHIN_MS)
    assert call.all(SetUndelivered) == []


def test_a_client_that_is_away_is_asked_what_it_has_once_it_is_back():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    call.notice(Detached("A"))
    call.pass_ms(ACKNOWLEDGED_WITHIN_MS)
    assert call.frames(ReplyLost) == []

    call.hello("B", received=undelivered.ends_at.seq)

    assert call.frames(ReplyLost) == []
    assert call.all(SendText) == []


def test_a_reply_that_earlier_workers_could_not_repeat_is_repeated_by_the_next():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    state = replace(STATE, epoch=EPOCH + 2, cursor=2, undelivered=(undelivered,))
    call = SessionHarness(state=state, memory=remembering(turn))
    call.start()

    call.send(Hello(OutputPosition(EPOCH + 1, 1)), connection="B")

    assert call.frames(ReplyLost) == [ReplyLost(1, "We open at nine.")]


def test_lost_replies_are_repeated_after_the_users_present_utterance():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    state = replace(STATE, epoch=EPOCH + 1, cursor=2, undelivered=(undelivered,))
    call = SessionHarness(state=state, memory=remembering(turn), opens_live=False)
    call.start()
    call.hello("B", received=2)
    call.utter()
    call.open_live()
    assert call.all(SendText) == []

    call.reply("Yes?")

    assert len(call.all(SendText)) == 1


def test_a_reply_that_arrived_is_not_repeated_when_a_later_worker_reads_the_same_hello():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    hello = call.numbered(Hello(replace(undelivered.ends_at, seq=2)))
    received_since = Notified("ack", Acknowledged(undelivered.ends_at, 0, 0))

    call.read(hello, received_since)

    assert call.frames(ReplyLost) == []
    assert call.all(SendText) == []


def _handed_over_with_two_replies() -> tuple[
    SessionHarness, tuple[Turn, ...], tuple[UndeliveredTurn, ...]
]:
    """A worker whose time was up before its client had taken anything of two replies."""
    call = started(takes_posts=False)
    for words in ("We open at nine.", "We close at five."):
        call.utter()
        call.reply(words)
    call.feed(TimeRunningOut(20_000))
    call.pass_ms(3_000)
    assert call.finish() is FinishReason.HAND_OVER
    return call, tuple(call.turns), call.all(CommitTurn)[-1].undelivered


def test_two_undelivered_replies_are_both_shown_and_repeated_in_order():
    _, turns, undelivered = _handed_over_with_two_replies()
    assert [one.number for one in undelivered] == [1, 2]
    successor = _successor(*turns, undelivered=undelivered)

    successor.hello("B", received=1)

    lost = [ReplyLost(1, "We open at nine."), ReplyLost(2, "We close at five.")]
    assert successor.frames(ReplyLost) == lost
    (asked,) = successor.all(SendText)
    assert "We open at nine. We close at five." in asked.text


def test_only_the_one_of_two_replies_that_did_not_arrive_is_repeated():
    _, turns, undelivered = _handed_over_with_two_replies()
    successor = _successor(*turns, undelivered=undelivered)

    successor.hello("B", received=undelivered[0].ends_at.seq)

    assert successor.frames(ReplyLost) == [ReplyLost(2, "We close at five.")]


def test_a_client_that_takes_no_frames_of_a_worker_that_must_go_is_made_to_come_back():
    call, *_ = _handed_over_with_two_replies()

    assert call.all(CloseConnection) == [CloseConnection("A")]


def test_a_client_that_has_all_frames_keeps_its_line_when_a_worker_must_go():
    call = started()
    call.utter()
    call.reply()
    call.feed(TimeRunningOut(20_000))

    assert call.finish() is FinishReason.HAND_OVER
    assert call.all(CloseConnection) == []


def test_an_undelivered_reply_stays_undelivered_until_it_is_repeated():
    turn, undelivered = _after_a_worker_whose_client_was_gone()
    call = _successor(turn, undelivered=(undelivered,))
    call.utter()
    call.reply("Yes?")
    call.hello("B", received=2)
    call.ack()
    assert [one.number for one in call.all(CommitTurn)[-1].undelivered] == [1]

    call.reply("We open at nine.")
    call.pass_ms(SETTINGS.grace_ms)

    assert [one.number for one in call.all(CommitTurn)[-1].undelivered] == [3]


def test_a_client_that_never_acknowledges_does_not_fill_the_sessions_state():
    call = started(settings=replace(SETTINGS, grace_ms=1_000))
    for _ in range(MAX_UNDELIVERED + 2):
        call.utter()
        call.reply()
        call.pass_ms(1_000)

    undelivered = call.all(CommitTurn)[-1].undelivered
    assert [one.number for one in undelivered] == list(range(3, MAX_UNDELIVERED + 3))
