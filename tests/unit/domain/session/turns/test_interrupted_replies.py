"""An interrupted reply is remembered up to the point that the user heard."""

import pytest

from repartee.domain.live.model import LiveAudio, LiveInterrupted
from repartee.domain.protocol.frames import Interrupted, ReplyAudio
from repartee.domain.protocol.messages import Acknowledged, OutputPosition
from tests.session_harness import (
    COMPLETE,
    EPOCH,
    IN_PROGRESS,
    SECOND,
    SessionHarness,
    said,
    speaks,
    started,
)

pytestmark = pytest.mark.unit


def test_an_interruption_goes_out_before_any_other_audio_and_leaves_no_gap():
    call = started()
    call.utter()
    call.takes_posts = False
    call.live(LiveAudio(SECOND), LiveAudio(SECOND), LiveAudio(SECOND))
    posted = len(call.posted)

    call.live(LiveInterrupted())
    call.takes_posts = True
    call.take_post()

    after = [one.frame for one in call.posted[posted:]]
    assert isinstance(after[0], ReplyAudio)
    assert after[1] == Interrupted(1)
    assert not any(isinstance(frame, ReplyAudio) for frame in after[1:])


def test_the_remembered_reply_is_cut_where_the_user_stopped_listening():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND * 2), said("One two three four."))
    call.ack(turn=1, played_ms=1_000)

    call.live(LiveInterrupted(), COMPLETE)
    call.ack()

    assert call.turns[0].said == "One two"
    assert call.turns[0].said_is_approximate


def test_the_heard_part_is_certain_once_the_client_has_fallen_silent():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND * 2), said("One two three four."))
    call.ack(turn=1)
    call.live(LiveInterrupted(), COMPLETE)
    call.ack(turn=1, played_ms=1_000)

    assert call.turns[0].said == "One two"
    assert call.turns[0].said_is_approximate


def test_an_outdated_ack_does_not_change_the_played_time():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND), *speaks("One two three four."))
    call.ack(turn=1, played_ms=1_000)
    call.ack(through=2, turn=1, played_ms=100)
    call.live(LiveInterrupted(), COMPLETE)
    call.ack()

    assert call.turns[0].said == "One two"


def test_the_played_time_of_a_retracted_reply_does_not_count_for_the_next():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND * 2), said("One two three four."))
    call.lose_live()
    call.ack(through=4, turn=1, played_ms=2_000)
    call.live(LiveAudio(SECOND * 2), said("One two three four."), LiveInterrupted())
    call.live(COMPLETE)
    call.ack()

    assert call.turns[0].said == ""


def test_the_played_time_of_another_reply_does_not_count():
    call = started()
    call.utter()
    call.reply("Good morning.")
    call.ack(turn=1, played_ms=1_500)
    call.utter()
    call.live(LiveAudio(SECOND * 2), said("One two three four."))
    call.live(LiveInterrupted(), COMPLETE)
    call.ack(turn=1, played_ms=1_900)

    assert call.replies == ["Good morning.", ""]


def test_a_reply_after_a_cut_is_not_taken_for_the_cut_one():
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND * 2), said("One two three four."))
    call.live(LiveInterrupted(), IN_PROGRESS)
    call.reply("At three.")
    call.ack(turn=1, played_ms=1_000)

    assert call.turns[0].said == "At three."


def test_a_reply_that_was_played_to_its_end_is_remembered_whole():
    call = started()
    call.utter()
    call.live(*speaks("One two."))
    call.ack(turn=1, played_ms=1_000)
    call.live(LiveInterrupted(), COMPLETE)
    call.ack()

    assert call.turns[0].said == "One two."


def test_the_played_time_of_an_earlier_epoch_does_not_count():
    call = started()
    call.utter()
    call.live(*speaks("One two."))
    call.notice(Acknowledged(OutputPosition(EPOCH - 1, 5), 1, 1_000))
    call.live(LiveInterrupted(), COMPLETE)
    call.ack()

    assert call.turns[0].said == ""


def test_late_output_of_a_cut_reply_is_dropped():
    call = started()
    call.utter()
    call.live(*speaks("One two."))
    call.ack(turn=1, played_ms=1_000)

    call.live(LiveInterrupted(), *speaks(" three"), LiveInterrupted())
    call.live(COMPLETE)
    call.ack()

    assert call.turns[0].said == "One two."
    assert len(call.pcm_posted(1)) == len(SECOND)
    assert call.frames(Interrupted) == [Interrupted(1)]


def test_a_cut_turn_continues_when_its_status_is_in_progress():
    call = started()
    call.utter()
    call.live(*speaks("Let me look."))
    call.ack(turn=1, played_ms=1_000)
    call.live(LiveInterrupted(), IN_PROGRESS)
    call.reply("At three.")
    call.ack()

    assert call.turns[0].said == "Let me look. At three."


def test_an_interruption_before_the_reply_has_begun_cuts_nothing():
    call = started()
    call.utter()
    call.live(LiveInterrupted())
    call.reply()

    assert call.frames(Interrupted) == []


STORY = "One two three four five six seven eight nine ten."


def story(call: SessionHarness, seconds: int) -> None:
    """The model speaks a reply that takes ``seconds`` to play."""
    call.utter()
    call.live(LiveAudio(SECOND * seconds), said(STORY))


class TestClientThatDoesNotSayWhatItPlayed:
    @pytest.mark.parametrize(
        ("listened_ms", "kept"),
        [(0, ""), (1_000, "One"), (5_000, "One two three four five"), (20_000, STORY)],
    )
    @pytest.mark.parametrize("acknowledges", ["never", "before", "after", "both"])
    def test_a_cut_is_estimated_from_when_the_audio_was_sent(
        self, listened_ms: int, kept: str, acknowledges: str
    ):
        call = started()
        story(call, 10)
        if acknowledges in ("before", "both"):
            call.ack(turn=1, played_ms=None)
        call.pass_ms(listened_ms)
        call.live(LiveInterrupted())
        call.pass_ms(3_000)
        if acknowledges in ("after", "both"):
            call.ack(turn=1, played_ms=None)
            call.ack(turn=1, played_ms=None)
        call.live(COMPLETE)
        call.ack(played_ms=None)

        assert (call.turns[0].said, call.turns[0].said_is_approximate) == (kept, True)

    def test_a_later_report_takes_precedence(self):
        call = started()
        story(call, 10)
        call.pass_ms(5_000)
        call.live(LiveInterrupted())
        call.ack(turn=1, played_ms=1_000)
        call.live(COMPLETE)
        call.ack()

        assert call.turns[0].said == "One"

    def test_a_report_about_another_turn_does_not_count(self):
        call = started()
        call.utter()
        call.reply("Good morning.")
        call.ack(turn=1, played_ms=20)
        story(call, 10)
        call.ack(turn=2, played_ms=None)
        call.pass_ms(5_000)
        call.live(LiveInterrupted(), COMPLETE)
        call.ack()

        assert call.turns[1].said == "One two three four five"

    def test_unsent_audio_was_not_played(self):
        call = started(takes_posts=False)
        story(call, 10)
        call.pass_ms(20_000)
        call.live(LiveInterrupted(), COMPLETE)
        call.takes_posts = True
        call.take_post()
        call.ack(played_ms=None)

        assert call.turns[0].said == ""

    def test_a_reply_that_starts_over_is_not_played_yet(self):
        call = started()
        story(call, 10)
        call.pass_ms(20_000)
        call.lose_live()
        call.live(LiveAudio(SECOND * 10), said(STORY))
        call.pass_ms(5_000)
        call.live(LiveInterrupted(), COMPLETE)
        call.ack(played_ms=None)

        assert call.turns[0].said == "One two three four five"
