"""The turns that a client received."""

import pytest

from repartee.domain.protocol.frames import Transcript, TurnRestarted
from repartee_client.turn_collector import TurnCollector

pytestmark = pytest.mark.unit


def reply(turn: int) -> Transcript:
    return Transcript(turn, "model", f"Answer {turn}.", final=True)


def test_a_restart_discards_the_turn_and_those_that_came_after_it() -> None:
    collector = TurnCollector()
    collector.take([reply(1), reply(2), reply(3)], 0)
    collector.take([TurnRestarted(2), reply(2), reply(3)], 1)

    said = {number: turn.said for number, turn in collector.turns.items()}
    assert said == {1: "Answer 1.", 2: "Answer 2.", 3: "Answer 3."}
