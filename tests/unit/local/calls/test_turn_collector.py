"""The turns that a client received."""

import pytest

from local.calls.turn_collector import TurnCollector
from repartee_client.events import Problem, ReplyAudio, Transcript, TurnEnded, TurnRestarted

pytestmark = pytest.mark.unit


def reply(turn: int) -> Transcript:
    return Transcript(turn, "model", f"Answer {turn}.", final=True)


def test_a_restart_discards_the_turn_and_those_that_came_after_it() -> None:
    collector = TurnCollector()
    collector.take([reply(1), reply(2), reply(3)], 0)
    collector.take([TurnRestarted(2), reply(2), reply(3)], 1)

    said = {number: turn.said for number, turn in collector.turns.items()}
    assert said == {1: "Answer 1.", 2: "Answer 2.", 3: "Answer 3."}


@pytest.mark.parametrize(("first_audio_ms", "has_no_input"), [(None, True), (900, False)])
def test_a_spoken_reply_without_a_time_to_the_first_audio_has_no_input(
    first_audio_ms: int | None, has_no_input: bool
) -> None:
    collector = TurnCollector()
    collector.take([ReplyAudio(1, bytes(960)), reply(1)], 0)
    assert not collector.turns[1].has_no_input

    collector.take([TurnEnded(1, 100, 50, 0.001, first_audio_ms, 0)], 1)

    assert collector.turns[1].has_no_input is has_no_input


def test_a_turn_without_audio_may_be_the_answer_to_a_text() -> None:
    collector = TurnCollector()
    collector.take([reply(1), TurnEnded(1, 100, 50, 0.001, None, 0)], 0)

    assert not collector.turns[1].has_no_input


def test_an_inaudible_answer_that_the_server_gave_up_is_no_greeting() -> None:
    collector = TurnCollector()
    no_answer = Problem("no_answer", "Please say it again.", retryable=True)
    collector.take([ReplyAudio(1, bytes(960)), no_answer], 0)
    collector.take([TurnEnded(1, 100, 50, 0.001, None, 0)], 1)

    assert not collector.turns[1].has_no_input
