"""How much of a conversation is told as it was spoken, and when its oldest part is summed up."""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.conversation.conversation import Memory, Turn
from repartee.domain.live.context_policy import CHARACTERS_PER_TOKEN


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """The room for turns that no summary covers.

    Between a fold and the next, turns grow from ``kept`` to ``fold_above_characters``, so each fold
    pays for
    a third of the room, and a third is left for what is said while a fold is still under way.

    Attributes:
        tokens: What a fresh model is told of past turns at most, beside the summary.
    """

    tokens: int = 2_000

    @property
    def characters(self) -> int:
        """The whole room."""
        return self.tokens * CHARACTERS_PER_TOKEN

    @property
    def fold_above_characters(self) -> int:
        """With more characters than this in them, turns want to be summed up."""
        return self.characters * 2 // 3

    @property
    def kept(self) -> int:
        """The newest turns that fit into so many characters are not summed up."""
        return self.characters // 3


def prompt_characters(turns: Sequence[Turn]) -> int:
    """Return how long the turns are when a model is told them."""
    return sum(
        len(turn.heard) + len(turn.said) + sum(map(len, turn.unspoken_answers)) for turn in turns
    )


def newest_within(turns: Sequence[Turn], characters: int) -> tuple[Turn, ...]:
    """Return the newest turns that fit, oldest first; the very newest, whatever its length."""
    first = max(len(turns) - 1, 0)
    left = characters - prompt_characters(turns[first:])
    while first > 0 and (length := prompt_characters(turns[first - 1 : first])) <= left:
        left -= length
        first -= 1
    return tuple(turns[first:])


def needs_summary(memory: Memory, budget: MemoryBudget) -> bool:
    """Tell whether turns are to be summed up: there is too much of them, or some had no room."""
    turns, through = memory.turns, memory.conversation.summary_through
    if not turns:
        return False
    if turns[0].number > through + 1:
        return True
    return len(turns) > 1 and prompt_characters(turns) > budget.fold_above_characters
