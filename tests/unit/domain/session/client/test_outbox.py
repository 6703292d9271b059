import pytest

from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    Interrupted,
    NumberedFrame,
    ReplyAudio,
    SessionClosed,
    Transcript,
    TurnEnd,
)
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.outbox import MAX_AUDIO_BYTES, SLOW_CLIENT_PAUSE_MS, Outbox

pytestmark = pytest.mark.unit

SECOND = bytes(21_000)


def outbox(*frames: Frame) -> Outbox:
    box = Outbox(epoch=2)
    for frame in frames:
        box.offer(frame)
    return box


def post_all(box: Outbox, now_ms: int = 0) -> list[NumberedFrame]:
    posted = []
    while (numbered := box.next_post(now_ms)) is not None:
        box.mark_posted(numbered.seq)
        posted.append(numbered)
    return posted


def numbers(posted: list[NumberedFrame]) -> list[int]:
    return [one.seq for one in posted]


def end(turn: int = 1) -> TurnEnd:
    return TurnEnd(turn, 0, 0, 0.0, None, 0)


def test_frames_are_numbered_from_one_as_they_are_posted():
    posted = post_all(outbox(Accepted(1), ReplyAudio(1, b"\0\0"), end()))

    assert [(one.epoch, one.seq) for one in posted] == [(2, 1), (2, 2), (2, 3)]


def test_one_frame_is_in_flight_at_a_time():
    box = outbox(Accepted(1), Accepted(2))

    first = box.next_post(0)
    assert first is not None
    assert box.next_post(0) is None
    box.mark_posted(99)
    assert box.next_post(0) is None
    box.mark_posted(first.seq)
    assert box.next_post(0) is not None


def test_an_interruption_goes_before_all_else_and_leaves_no_gap():
    box = outbox(ReplyAudio(1, b"\0\0"))
    post_all(box)
    for frame in (
        ReplyAudio(1, b"\0\1"),
        Transcript(1, "model", "Hi", False),
        ReplyAudio(2, b"\0\2"),
    ):
        box.offer(frame)

    box.interrupt(1)

    assert [(one.seq, type(one.frame)) for one in post_all(box)] == [
        (2, Interrupted),
        (3, Transcript),
        (4, ReplyAudio),
    ]


def test_what_was_cut_is_not_posted_anew_before_its_interruption():
    box = outbox(ReplyAudio(1, SECOND), Transcript(1, "model", "Hi", False), ReplyAudio(1, SECOND))
    post_all(box)
    box.resume(OutputPosition(2, 0))

    box.interrupt(1)

    assert [one.frame for one in post_all(box)] == [
        ReplyAudio(1, b""),
        Transcript(1, "model", "Hi", False),
        ReplyAudio(1, b""),
        Interrupted(1),
    ]


def test_audio_that_a_slow_client_did_not_take_is_not_tried_again_once_it_is_cut():
    box = outbox(ReplyAudio(1, SECOND))
    first = box.next_post(0)
    assert first is not None
    box.mark_refused(first.seq, 0, is_gone=False)

    box.interrupt(1)

    posted = post_all(box, SLOW_CLIENT_PAUSE_MS)
    assert [one.frame for one in posted] == [ReplyAudio(1, b""), Interrupted(1)]
    assert posted[0].seq == first.seq


def test_audio_that_was_cut_makes_room_for_what_follows():
    half = MAX_AUDIO_BYTES // len(SECOND) // 2 + 1
    box = outbox(*[ReplyAudio(1, SECOND)] * half)
    post_all(box)
    box.interrupt(1)
    for _ in range(half):
        box.offer(ReplyAudio(2, SECOND))
    post_all(box)

    assert box.resume(OutputPosition(2, 0))


def test_a_slow_client_is_left_in_peace_for_a_while_and_then_gets_the_same_number():
    box = outbox(Accepted(1))
    first = box.next_post(0)
    assert first is not None
    box.mark_refused(first.seq, 100, is_gone=False)

    assert box.next_deadline_ms() == 100 + SLOW_CLIENT_PAUSE_MS
    assert box.next_post(349) is None
    assert box.next_post(350) == first


def test_a_refusal_of_what_is_not_in_flight_changes_nothing():
    box = outbox(Accepted(1))
    box.mark_refused(1, 0, is_gone=True)

    assert numbers(post_all(box)) == [1]
    box.mark_refused(1, 0, is_gone=True)
    assert box.is_empty()


def test_a_returning_client_gets_what_it_lacks_under_the_same_numbers():
    box = outbox(Accepted(1), Accepted(2), Accepted(3))
    before = post_all(box)

    assert box.resume(OutputPosition(2, 1))

    assert post_all(box) == before[1:]


def test_a_frame_in_flight_on_a_dead_line_is_posted_again():
    box = outbox(Accepted(1), Accepted(2))
    first = box.next_post(0)

    assert box.resume(None)

    assert post_all(box)[0] == first


def test_a_position_of_another_epoch_says_nothing_about_this_one():
    box = outbox(Accepted(1))
    post_all(box)

    assert box.resume(OutputPosition(1, 50))
    assert numbers(post_all(box)) == [1]
    assert not box.acknowledge(OutputPosition(3, 1))


def test_an_acknowledgement_of_what_was_never_posted_counts_for_nothing():
    box = outbox(Accepted(1), Accepted(2))
    post_all(box)

    assert not box.acknowledge(OutputPosition(2, 3))

    assert box.acknowledged == 0
    assert box.acknowledge(OutputPosition(2, 2))


def test_a_turn_is_delivered_once_its_end_is_acknowledged():
    box = outbox(ReplyAudio(1, b"\0\0"), end(1))
    assert not box.has_delivered(1)
    post_all(box)
    box.acknowledge(OutputPosition(2, 1))
    assert not box.has_delivered(1)

    box.acknowledge(OutputPosition(2, 2))

    assert box.has_delivered(1)


def test_the_oldest_of_too_much_waiting_audio_is_dropped_and_no_control_message():
    many = MAX_AUDIO_BYTES // len(SECOND) + 3
    box = outbox(Accepted(1), *[ReplyAudio(1, SECOND)] * many, end())

    posted = post_all(box)

    audio = [one for one in posted if isinstance(one.frame, ReplyAudio)]
    assert len(audio) == MAX_AUDIO_BYTES // len(SECOND)
    assert numbers(posted) == list(range(1, len(posted) + 1))
    assert (posted[0].frame, posted[-1].frame) == (Accepted(1), end())


def test_resume_reports_audio_that_is_no_longer_held():
    box = outbox(end(1))
    for _ in range(MAX_AUDIO_BYTES // len(SECOND) + 1):
        box.offer(ReplyAudio(1, SECOND))
        post_all(box)

    assert not box.resume(OutputPosition(2, 1))
    again = post_all(box)
    full = [one for one in again if isinstance(one.frame, ReplyAudio) and one.frame.pcm]
    assert len(full) == MAX_AUDIO_BYTES // len(SECOND)
    assert box.resume(OutputPosition(2, 2))


def test_audio_that_was_let_go_leaves_no_gap_in_the_numbers_of_what_is_posted_again():
    box = outbox(end(1))
    for _ in range(MAX_AUDIO_BYTES // len(SECOND) + 3):
        box.offer(ReplyAudio(2, SECOND))
        post_all(box)

    box.resume(OutputPosition(2, 0))

    again = post_all(box)
    assert numbers(again) == list(range(1, len(again) + 1))
    assert again[1].frame == ReplyAudio(2, b"")


def test_a_client_that_says_no_position_lacks_nothing_that_it_acknowledged():
    box = outbox()
    for _ in range(MAX_AUDIO_BYTES // len(SECOND) + 1):
        box.offer(ReplyAudio(1, SECOND))
        post_all(box)
    box.acknowledge(OutputPosition(2, 1))

    assert box.resume(None)


def test_nothing_follows_the_last_frame():
    box = outbox(SessionClosed("bye"), Accepted(1))

    assert numbers(post_all(box)) == [1]
    assert box.is_empty()


def test_a_turn_that_is_not_posted_yet_ends_where_its_last_frame_will_be():
    box = outbox(Transcript(1, "model", "Good", True), ReplyAudio(1, SECOND), ReplyAudio(1, SECOND))
    box.offer(TurnEnd(1, 1, 1, 0.0, 1, 0))
    box.offer(Accepted(9))
    box.next_post(0)
    expected = box.undelivered_end(1)

    ends = [one.seq for one in post_all(box) if isinstance(one.frame, TurnEnd)]

    assert expected == OutputPosition(2, 4)
    assert ends == []
    box.mark_posted(1)
    assert [one.seq for one in post_all(box) if isinstance(one.frame, TurnEnd)] == [4]
    assert box.undelivered_end(1) == OutputPosition(2, 4)


def test_a_turn_without_an_end_ends_behind_all_that_waits():
    box = outbox(ReplyAudio(1, SECOND), ReplyAudio(1, SECOND))
    assert box.undelivered_end(1) == OutputPosition(2, 3)
