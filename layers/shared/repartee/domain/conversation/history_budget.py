"""Limits the turns in a prompt, and decides when the oldest turns are summarised."""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.conversation.conversation import Memory, Turn
from repartee.domain.live.context_policy import CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The space for turns that no summary covers.

    Between two folds the turns grow from ``kept`` to ``fold_above_characters``. So each fold
    summarises a third of the space, and a third is left for turns that are spoken during a fold.

    Attributes:
        tokens: Maximum size of past turns in the prompt of a fresh model, without the summary.
    """

    tokens: int = 2_000

    @property
    def characters(self) -> int:
        """The whole space."""
        return self.tokens * CHARACTERS_PER_TOKEN

    @property
    def fold_above_characters(self) -> int:
        """The size of the turns above which the oldest are summarised."""
        return self.characters * 2 // 3

    @property
    def kept(self) -> int:
        """The size of the newest turns that are not summarised."""
        return self.characters // 3


def prompt_characters(turns: Sequence[Turn]) -> int:
    """Return the length of the turns in a prompt."""
    return sum(
        len(turn.heard) + len(turn.said) + sum(map(len, turn.unspoken_answers)) for turn in turns
    )


def newest_within(turns: Sequence[Turn], characters: int) -> tuple[Turn, ...]:
    """Return the newest turns that fit, oldest first; the newest one is always included."""
    first = max(len(turns) - 1, 0)
    left = characters - prompt_characters(turns[first:])
    while first > 0 and (length := prompt_characters(turns[first - 1 : first])) <= left:
        left -= length
        first -= 1
    return tuple(turns[first:])


def needs_summary(memory: Memory, budget: MemoryBudget) -> bool:
    """Return whether turns must be summarised: they are too long, or some did not fit."""
    turns, through = memory.turns, memory.conversation.summary_through
    if not turns:
        return False
    if turns[0].number > through + 1:
        return True
    return len(turns) > 1 and prompt_characters(turns) > budget.fold_above_characters
