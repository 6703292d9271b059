"""Clients that are out of step with their session."""

import pytest

from repartee.domain.live import LiveAudio, LiveInterrupted, LiveTranscript, Role
from repartee.domain.messages import Acknowledged, OutputPosition
from repartee.domain.session.effects import DeleteInput
from tests.sessions import EPOCH, SECOND, of_kind, started

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "received",
    [OutputPosition(EPOCH, 900), OutputPosition(EPOCH + 1, 1), OutputPosition(EPOCH + 96, 900)],
    ids=["never sent", "the next epoch", "a far epoch"],
)
def test_an_ack_of_what_was_never_sent_is_ignored_and_makes_room_for_the_true_one(
    received: OutputPosition,
) -> None:
    call = started()
    call.utter()
    call.reply()

    effects = call.notice(Acknowledged(received, 1, 900), "ack/x")

    assert DeleteInput((), ("ack/x",)) in effects
    assert call.turns == []
    call.ack()
    assert len(call.turns) == 1


def test_an_ack_of_an_earlier_epoch_stays_and_commits_nothing() -> None:
    call = started()
    call.utter()
    call.reply()

    effects = call.notice(Acknowledged(OutputPosition(EPOCH - 1, 900), 1, 900), "ack/x")

    assert of_kind(effects, DeleteInput) == []
    assert call.turns == []


@pytest.mark.parametrize(
    ("turn", "played_ms"), [(1, 86_400_000), (1, 1_002), (2, 900), (999_999_999, 900)]
)
def test_more_played_than_was_sent_counts_for_nothing(turn: int, played_ms: int) -> None:
    call = started()
    call.utter()
    call.live(LiveAudio(SECOND), LiveTranscript(Role.MODEL, "one two three four five six"))
    call.ack(turn=1, played_ms=500)

    call.ack(turn=turn, played_ms=played_ms)
    call.live(LiveInterrupted())
    call.reply("Go on.")
    call.ack()

    assert call.turns[0].said.startswith("one two")
    assert "five" not in call.turns[0].said
