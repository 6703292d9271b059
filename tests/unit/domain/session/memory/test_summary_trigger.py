"""When a running session requests a summary, and how it uses the result."""

from dataclasses import replace

import pytest

from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.live.model import HistoryEntry, LiveGoAway
from repartee.domain.session.effects import AskForSummary, CommitTurn, OpenLive, ReadSummary
from repartee.domain.session.events import SummaryRead
from tests.session_harness import SETTINGS, SessionHarness, heard, remembering

pytestmark = pytest.mark.unit

# 1,200 characters in all: fold above 800, keep 400.
SMALL = replace(SETTINGS, memory=MemoryBudget(300))
ROBERT = "The caller's name is Robert."


def session(*turns: Turn) -> SessionHarness:
    call = SessionHarness(settings=SMALL, memory=remembering(*turns))
    call.start()
    return call


def talk(call: SessionHarness, characters: int) -> list[str]:
    """Hold one turn of so many characters; return the requests for a summary."""
    before = len(call.effects)
    call.utter()
    call.live(heard("h"))
    call.reply("s" * (characters - 1))
    call.ack()
    wanted = [one for one in call.effects[before:] if isinstance(one, AskForSummary | ReadSummary)]
    return [type(one).__name__ for one in wanted]


def seed_of(call: SessionHarness) -> tuple[str, tuple[HistoryEntry, ...]]:
    """Have the Live session replaced; return the seed of the next one."""
    call.live(LiveGoAway(60_000))
    config = call.all(OpenLive)[-1].config
    return config.system_instruction, config.history


def test_turns_within_the_budget_want_no_summary():
    call = session()
    assert [talk(call, 400), talk(call, 400)] == [[], []]


def test_a_summary_is_asked_for_once_and_then_looked_for():
    call = session()

    wanted = [talk(call, 300) for _ in range(4)]

    assert wanted == [[], [], ["AskForSummary"], ["ReadSummary"]]


def test_a_summary_that_does_not_come_is_asked_for_again_only_after_a_step():
    call = session()

    wanted = [talk(call, 100)[:1] for _ in range(17)]

    asked = [number for number, one in enumerate(wanted, 1) if one == ["AskForSummary"]]
    assert asked == [9, 13, 17]
    assert all(one == ["ReadSummary"] for one in wanted[9:12] + wanted[13:16])


def test_turns_that_had_no_room_when_memory_was_loaded_want_a_summary():
    late = replace(_remembered(), number=30)
    memory = remembering(late)
    call = SessionHarness(
        settings=SMALL,
        memory=replace(memory, conversation=replace(memory.conversation, turn_count=30)),
    )
    call.start()

    assert talk(call, 10) == ["AskForSummary"]


def test_the_next_live_session_gets_the_newer_summary_and_no_turn_twice():
    call = session()
    for _ in range(4):
        talk(call, 300)
    call.feed(SummaryRead(ROBERT, 3))

    instruction, history = seed_of(call)

    assert instruction.endswith(ROBERT)
    assert [entry.text for entry in history] == ["h", "s" * 299]


def test_a_summary_that_was_known_or_is_older_changes_nothing():
    call = session()
    for _ in range(4):
        talk(call, 300)
    call.feed(SummaryRead(ROBERT, 2))
    call.feed(SummaryRead("Nothing is known.", 2))
    call.feed(SummaryRead("", 0))

    instruction, history = seed_of(call)

    assert instruction.endswith(ROBERT)
    assert len(history) == 4


def test_after_a_summary_the_budget_starts_again():
    call = session()
    for _ in range(4):
        talk(call, 300)
    call.feed(SummaryRead(ROBERT, 3))

    assert [talk(call, 250) for _ in range(3)] == [[], [], ["AskForSummary"]]


def test_a_turn_keeps_its_number_after_a_summary():
    call = session()
    for _ in range(4):
        talk(call, 300)
    call.feed(SummaryRead(ROBERT, 3))
    talk(call, 10)

    assert [one.turn.number for one in call.all(CommitTurn)] == [1, 2, 3, 4, 5]


def _remembered() -> Turn:
    call = session()
    talk(call, 10)
    return call.turns[0]
