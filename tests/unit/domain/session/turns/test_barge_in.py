"""A barge-in policy is an object that one module sets."""

import pytest

from repartee.domain.live.model import LiveInterrupted
from repartee.domain.protocol.frames import Interrupted
from repartee.domain.session.turns import barge_in
from repartee.domain.session.turns.barge_in import CutAtPlayback
from repartee.domain.session.turns.turn import TurnInProgress
from tests.session_harness import SessionHarness, speaks, started

pytestmark = pytest.mark.unit


class NoBargeIn(CutAtPlayback):
    """Lets each reply go on."""

    def ends_reply(self, turn: TurnInProgress) -> bool:
        return False


class RemembersAll(CutAtPlayback):
    """Remembers a reply as if the user had heard all of it."""

    def cut(self, turn: TurnInProgress, played_ms: int) -> None:
        super().cut(turn, 10**9)


def interrupted() -> SessionHarness:
    call = started()
    call.utter()
    call.live(*speaks("One two three four."))
    call.ack(turn=1, played_ms=500)
    call.live(LiveInterrupted())
    call.ack(turn=1, played_ms=500)
    return call


def test_a_reply_is_cut_where_the_user_stopped_listening() -> None:
    call = interrupted()
    assert call.frames(Interrupted) == [Interrupted(1)]
    call.wait_for_end()
    assert call.turns[0].said == "One two"


def test_another_policy_lets_the_reply_continue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barge_in, "POLICY", NoBargeIn())
    assert interrupted().frames(Interrupted) == []


def test_another_policy_remembers_the_whole_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barge_in, "POLICY", RemembersAll())
    call = interrupted()
    call.wait_for_end()
    assert call.turns[0].said == "One two three four."
