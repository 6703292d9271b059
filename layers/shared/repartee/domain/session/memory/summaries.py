"""When a conversation's oldest turns want to be summed up, and when to look for the result."""

from dataclasses import dataclass, replace

from repartee.domain.conversation.conversation import Memory
from repartee.domain.conversation.memory_budget import (
    MemoryBudget,
    needs_summary,
    prompt_characters,
)
from repartee.domain.session.events import SummaryRead
from repartee.domain.session.memory.writes import TableWrites


@dataclass(slots=True)
class SummaryWatch:
    """Asks for a summary, then looks for it after each commit until it is there."""

    budget: MemoryBudget
    _writes: TableWrites
    _asked_at_characters: int | None = None

    def after_commit(self, memory: Memory) -> None:
        """Request a summary, or look for the one that was requested, if one is needed.

        A run may fail, so it is asked for again: once there is as much more to sum up as a fold
        leaves, not after every turn.
        """
        if not needs_summary(memory, self.budget):
            return
        characters = prompt_characters(memory.turns)
        asked_at = self._asked_at_characters
        if asked_at is not None and characters < asked_at + self.budget.kept:
            self._writes.read_summary()
            return
        self._asked_at_characters = characters
        self._writes.ask_for_summary()

    def take(self, memory: Memory, read: SummaryRead) -> Memory:
        """Return memory with the newer summary, and without the turns that it covers."""
        if read.through <= memory.conversation.summary_through:
            return memory
        self._asked_at_characters = None
        return replace(
            memory,
            conversation=replace(
                memory.conversation, summary=read.summary, summary_through=read.through
            ),
            turns=tuple(turn for turn in memory.turns if turn.number > read.through),
        )
