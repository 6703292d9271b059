"""The order of frames from one worker and from its successor."""

import pytest

from repartee_client.events import ReplyAudio, ReplyLost, Transcript, TurnEnded, TurnRestarted
from repartee_client.protocol.frames import Frame, NumberedFrame
from repartee_client.protocol.inbox import ClientInbox

pytestmark = pytest.mark.unit

SOUND = bytes(480)


def end_of(turn: int) -> TurnEnded:
    return TurnEnded(turn, 0, 0, 0.0, None, 0)


def taken(*epochs: tuple[Frame, ...]) -> list[Frame]:
    """Return the frames of an inbox that gets each worker's frames in order."""
    inbox = ClientInbox()
    left: list[Frame] = []
    for epoch, frames in enumerate(epochs, start=1):
        for seq, frame in enumerate(frames, start=1):
            left += inbox.put(NumberedFrame(epoch, seq, frame))
    return left


def test_an_open_turn_is_restarted_by_the_next_worker():
    half, whole = ReplyAudio(2, SOUND), (ReplyAudio(2, SOUND), end_of(2))

    assert taken((half,), whole) == [half, TurnRestarted(2), *whole]


def test_a_restart_is_returned_once():
    half, restart = ReplyAudio(2, SOUND), TurnRestarted(2)

    assert taken((half,), (restart, half)) == [half, restart, half]


@pytest.mark.parametrize("late", [(), (Transcript(1, "user", "late", final=True),)])
def test_an_ended_turn_is_not_restarted(late: tuple[Frame, ...]):
    whole = (ReplyAudio(1, SOUND), end_of(1), *late)

    assert taken(whole, (ReplyAudio(2, SOUND),)) == [*whole, ReplyAudio(2, SOUND)]


def test_a_reply_that_arrives_as_text_only_is_not_restarted():
    half, lost = ReplyAudio(2, SOUND), ReplyLost(2, "At three.")

    assert taken((half,), (lost,)) == [half, TurnRestarted(2), lost]


def test_the_restart_waits_for_the_next_workers_first_frame():
    inbox = ClientInbox()
    inbox.put(NumberedFrame(1, 1, ReplyAudio(2, SOUND)))

    assert inbox.put(NumberedFrame(2, 2, end_of(2))) == []
    assert inbox.put(NumberedFrame(2, 1, ReplyAudio(2, SOUND))) == [
        TurnRestarted(2),
        ReplyAudio(2, SOUND),
        end_of(2),
    ]
