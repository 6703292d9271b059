"""Decides when to request a summary of a conversation's oldest turns, and when to read it."""

from dataclasses import dataclass, replace

from repartee.domain.conversation.conversation import Memory
from repartee.domain.conversation.history_budget import (
    MemoryBudget,
    needs_summary,
    prompt_characters,
)
from repartee.domain.session.events import SummaryRead
from repartee.domain.session.memory.writes import TableWrites


@dataclass(slots=True)
class SummaryWatch:
    """Requests a summary, then reads it after each commit until it has arrived."""

    budget: MemoryBudget
    _writes: TableWrites
    _asked_at_characters: int | None = None

    def after_commit(self, memory: Memory) -> None:
        """Request a summary if one is needed, or read the one that was requested.

        A run may fail, so the request is repeated. To avoid a request after every turn, this
        happens only after the conversation has grown by what a summary leaves uncovered.
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
