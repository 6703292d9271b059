"""A barge-in policy is an object that one module sets."""

import pytest

from repartee.domain.live.model import LiveInterrupted, LiveTurnComplete
from repartee.domain.protocol.frames import Interrupted, NoSpeech
from repartee.domain.protocol.messages import Audio, SpeechEnd, SpeechStart
from repartee.domain.session.effects import SendText
from repartee.domain.session.input.marked_speech import DOUBT_MS
from repartee.domain.session.turns import barge_in
from repartee.domain.session.turns.barge_in import CutAtPlayback
from repartee.domain.session.turns.turn import TurnInProgress
from tests.fakes.speech_detector import WHISPER
from tests.session_harness import SessionHarness, heard, speaks, started

pytestmark = pytest.mark.unit


class NoBargeIn(CutAtPlayback):
    """Lets each reply go on."""

    def ends_reply(self, turn: TurnInProgress) -> bool:
        return False


class RemembersAll(CutAtPlayback):
    """Remembers a reply as if the user had heard all of it."""

    def cut(self, turn: TurnInProgress, played_ms: int) -> None:
        super().cut(turn, 10**9)


class NoCue(CutAtPlayback):
    """Leaves a reply that a noise ended as it is."""

    def text_after_noise(self) -> str | None:
        return None


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


def test_another_policy_leaves_a_reply_that_a_noise_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barge_in, "POLICY", NoCue())
    call = started()
    call.utter()
    call.live(heard("when?"), *speaks("We open at nine."))
    call.send(SpeechStart(), Audio(WHISPER), SpeechEnd())
    call.live(LiveInterrupted(), LiveTurnComplete(None))
    call.ack(turn=1, played_ms=500)
    call.pass_ms(DOUBT_MS)
    assert call.frames(NoSpeech)
    assert call.all(SendText) == []
