"""Numbering, acknowledgement, commit and coming back on another connection."""

from dataclasses import replace

import pytest

from repartee.domain.live.model import LiveAudio
from repartee.domain.protocol.frames import Accepted, Missing, SessionError, TurnEnd
from repartee.domain.protocol.messages import (
    MAX_AHEAD,
    Audio,
    Detached,
    Hello,
    OutputPosition,
    SpeechStart,
    Text,
)
from repartee.domain.session.effects import (
    CommitTurn,
    DeleteInput,
    FinishReason,
    PostFrame,
    SetConnection,
)
from repartee.domain.session.events import FramePosted, PostRefused
from tests.fakes.speech_detector import SILENCE, SPEECH
from tests.session_harness import EPOCH, SECOND, SETTINGS, of_kind, started

pytestmark = pytest.mark.unit


def test_output_is_numbered_from_one_in_the_workers_epoch():
    call = started()
    call.utter()
    call.reply()

    assert [one.seq for one in call.posted] == list(range(1, len(call.posted) + 1))
    assert {one.epoch for one in call.posted} == {EPOCH}


def test_a_turn_is_committed_when_the_client_has_acknowledged_all_of_it():
    call = started()
    call.utter()
    call.reply()
    end = next(one.seq for one in call.posted if isinstance(one.frame, TurnEnd))

    call.ack(end - 1)
    assert call.turns == []
    call.ack(end)
    assert len(call.turns) == 1


def test_a_turn_that_is_never_acknowledged_is_committed_after_the_grace():
    call = started()
    call.utter()
    call.reply()

    call.pass_ms(29_999)
    assert call.turns == []
    call.pass_ms(1)
    assert len(call.turns) == 1


def test_turns_are_committed_one_at_a_time_and_in_order():
    call = started(takes_commits=False)
    for _ in range(3):
        call.utter()
        call.reply()
    call.ack()
    assert [turn.number for turn in call.turns] == [1]

    call.take_commit()
    assert [turn.number for turn in call.turns] == [1, 2]
    call.take_commit()
    call.take_commit()
    assert [turn.number for turn in call.turns] == [1, 2, 3]


def test_input_is_deleted_only_after_the_commit():
    call = started(takes_commits=False)
    call.utter()
    call.reply()
    call.ack()
    assert call.all(DeleteInput) == []

    call.take_commit()

    assert call.deleted == list(range(1, call.next_seq))
    call.utter()
    call.reply()
    call.ack()
    call.take_commit()
    assert call.deleted == list(range(1, call.next_seq))


def test_input_that_came_while_a_turn_was_written_is_kept_for_who_begins_at_the_written_cursor():
    call = started(takes_commits=False)
    call.utter()
    call.reply()
    call.ack()
    written = call.all(CommitTurn)[0].cursor
    call.send(Audio(SILENCE), Audio(SILENCE))

    call.take_commit()

    assert call.deleted == list(range(1, written + 1))


def test_the_cursor_waits_for_the_oldest_turn_that_is_not_committed():
    call = started(takes_commits=False)
    for _ in range(2):
        call.utter()
        call.reply()
    assert call.machine.cursor == 1
    call.ack()
    assert call.all(CommitTurn)[0].cursor == 5

    call.take_commit()

    assert call.machine.cursor == 5


def test_a_returning_client_gets_exactly_what_it_has_not_acknowledged():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND))
    posted = list(call.posted)

    effects = call.hello("B", received=3)

    assert SetConnection("B") in effects
    again = [one.frame for one in of_kind(effects, PostFrame)]
    assert again[: len(posted) - 3] == posted[3:]
    assert {one.connection_id for one in of_kind(effects, PostFrame)} == {"B"}


def test_a_hello_counts_even_before_a_gap_is_filled():
    call = started()
    call.send(Hello(OutputPosition(EPOCH, 1)), seq=5, connection="B")
    call.pass_ms(300)

    assert call.all(SetConnection) == [SetConnection("B")]
    assert call.frames(Missing) == [Missing(2, 4)]
    assert call.all(PostFrame)[-1].connection_id == "B"


def test_a_hello_of_the_connection_before_comes_too_late():
    call = started()
    call.send(Hello(), seq=5, connection="C")
    call.send(Hello(), seq=3, connection="B")
    call.pass_ms(5_000)

    assert call.all(SetConnection) == [SetConnection("C")]


def test_a_late_disconnect_of_the_old_connection_changes_nothing():
    call = started()
    call.hello("B")
    effects = call.notice(Detached("A"), "d1")

    assert effects == [DeleteInput((), ("d1",))]
    call.utter()
    assert call.all(PostFrame)[-1].connection_id == "B"


def test_a_hello_again_on_the_current_connection_repeats_only_what_it_asks_for():
    call = started()
    call.utter()
    posted = len(call.posted)
    call.hello("A")
    assert len(call.posted) == posted + 1

    effects = call.hello("A", received=posted)

    assert call.all(SetConnection) == []
    assert [one.frame.seq for one in of_kind(effects, PostFrame)] == [posted + 1, posted + 2]


def test_while_there_is_no_connection_nothing_is_posted_and_nothing_is_lost():
    call = started()
    call.utter()
    posted = len(call.posted)
    call.notice(Detached("A"))
    call.live(LiveAudio(SECOND))
    assert len(call.posted) == posted

    call.hello("B", received=posted)

    assert call.pcm_posted(1) == SECOND
    assert [one.seq for one in call.posted] == list(range(1, len(call.posted) + 1))


def test_a_connection_found_gone_is_left_until_the_client_comes_back():
    call = started(takes_posts=False)
    call.feed(PostRefused("A", 1, is_gone=True))
    assert call.all(SetConnection) == [SetConnection(None)]
    call.pass_ms(5_000)
    assert len(call.all(PostFrame)) == 1

    call.takes_posts = True
    call.hello("B", received=0)

    assert call.posted[0].seq == 1


def test_a_connection_found_gone_after_the_client_came_back_changes_nothing():
    call = started(takes_posts=False)
    call.hello("B", received=0)
    call.feed(PostRefused("A", 1, is_gone=True))
    call.feed(FramePosted("A", 1))

    assert call.all(SetConnection) == [SetConnection("B")]
    call.feed(FramePosted("B", 1))
    assert call.all(PostFrame)[-1].frame.seq == 2


def test_a_client_that_is_too_slow_is_tried_again_later_with_the_same_frame():
    call = started(takes_posts=False)
    call.feed(PostRefused("A", 1, is_gone=False))
    call.pass_ms(249)
    assert len(call.all(PostFrame)) == 1

    call.takes_posts = True
    call.pass_ms(1)

    posts = call.all(PostFrame)
    assert posts[0] == posts[1]


def test_without_a_connection_a_worker_stays_for_the_grace_and_then_leaves():
    call = started(settings=replace(SETTINGS, grace_ms=10_000))
    call.notice(Detached("A"))
    call.pass_ms(9_999)
    assert call.finish() is None

    call.pass_ms(1)

    assert call.finish() is FinishReason.IDLE


def test_a_client_that_came_back_in_time_is_served_on():
    call = started(settings=replace(SETTINGS, grace_ms=10_000))
    call.notice(Detached("A"))
    call.pass_ms(9_000)
    call.hello("B")
    call.pass_ms(9_000)

    assert call.finish() is None


def test_an_utterance_continues_over_a_new_connection():
    call = started()
    call.send(SpeechStart(), Audio(SPEECH))
    call.notice(Detached("A"))
    call.hello("B", received=2)
    call.send(Audio(SPEECH), connection="B")
    call.reply()
    call.ack()

    assert len(call.turns) == 1


def test_a_hello_far_ahead_of_what_is_still_to_come_is_answered_over_its_connection():
    call = started()
    held_back = MAX_AHEAD + 50
    hello = call.numbered(Hello(OutputPosition(EPOCH, 1)), call.next_seq + held_back, "B")

    effects = call.read(hello)

    assert of_kind(effects, SetConnection) == [SetConnection("B")]
    assert call.frames(SessionError) == []
    call.send(Text("Hello"), seq=2, connection="B")
    assert call.all(PostFrame)[-1].connection_id == "B"
    assert call.frames(Accepted)[-1] == Accepted(2)
