import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.conversation.conversation import ToolCall, Turn
from repartee.domain.conversation.history_budget import (
    MemoryBudget,
    newest_within,
    prompt_characters,
)
from repartee.domain.tools.core_calls import ToolCallKey, ToolCallStatus

pytestmark = pytest.mark.unit


def turn(number: int, heard: str = "", said: str = "", *answers: str) -> Turn:
    calls = tuple(
        ToolCall(ToolCallKey(number, index), "ask_core_agent", "{}", ToolCallStatus.DONE, answer)
        for index, answer in enumerate(answers, 1)
    )
    return Turn(number, "s", 0, 0, heard=heard, said=said, tool_calls=calls)


def test_room_is_left_between_what_wants_a_fold_and_the_whole():
    budget = MemoryBudget(300)
    assert (budget.characters, budget.fold_above_characters, budget.kept) == (1_200, 800, 400)


def test_an_answer_counts_only_where_the_reply_does_not_repeat_it():
    turns = [turn(1, "12", "3456", "345", "789"), turn(2, "1")]
    assert prompt_characters(turns) == 10
    assert prompt_characters([]) == 0


@given(st.lists(st.text(max_size=30), max_size=12), st.integers(0, 200))
def test_the_newest_that_fit_are_kept_and_one_more_would_not(texts, room):
    turns = [turn(number, text) for number, text in enumerate(texts, 1)]

    kept = newest_within(turns, room)

    assert list(kept) == turns[len(turns) - len(kept) :]
    assert bool(kept) == bool(turns)
    if len(kept) > 1:
        assert prompt_characters(kept) <= room
    if len(kept) < len(turns):
        assert prompt_characters(turns[len(turns) - len(kept) - 1 :]) > room
