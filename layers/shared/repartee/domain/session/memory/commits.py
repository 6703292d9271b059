"""Commits finished turns to memory, one at a time, and deletes their input from the mailbox."""

from collections.abc import Callable
from dataclasses import replace

from repartee.domain.conversation.conversation import Memory, Turn
from repartee.domain.conversation.turn_bounds import shorten_turn
from repartee.domain.live.model import HistoryEntry
from repartee.domain.live.prompt import history
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.client.undelivered import UndeliveredTurns
from repartee.domain.session.effects import CommitTurn
from repartee.domain.session.events import SummaryRead
from repartee.domain.session.memory.summary_trigger import SummaryWatch
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import PendingCall, SessionState
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress


class MemoryKeeper:
    """The memory of the conversation, and the commits of its turns.

    Attributes:
        memory: The conversation so far.
        undelivered: The committed turns that the client may not have received.
        may_commit: Whether turns may be written. False after another session has taken the
            conversation or it was erased.
    """

    def __init__(
        self,
        memory: Memory,
        state: SessionState,
        settings: SessionSettings,
        turns: TurnLedger,
        outbox: Outbox,
        writes: TableWrites,
        *,
        unix_offset_ms: int,
    ):
        self.memory = memory
        self.undelivered = UndeliveredTurns(state.undelivered, outbox)
        self.may_commit = True
        self._summaries = SummaryWatch(settings.memory, writes)
        self._session_id = state.session_id
        self._settings = settings
        self._turns = turns
        self._outbox = outbox
        self._writes = writes
        self._unix_offset_ms = unix_offset_ms
        self._deleted_through = state.cursor
        self._committing_cursor = 0
        self._committing_words = ("", "")

    def commit(
        self,
        settled: int,
        pending_calls: Callable[[int], tuple[PendingCall, ...]],
        now_ms: int,
        *,
        must_commit_now: bool,
    ) -> None:
        """Commit the oldest finished turn if the client has it, or if its grace period is over.

        Args:
            settled: The last input message that cannot be part of an utterance yet to be found.
            pending_calls: Returns the open tool calls of the turns up to a number.
            now_ms: The present.
            must_commit_now: Whether to commit without waiting for the client.
        """
        if not self._turns.finished or self._turns.is_committing or not self.may_commit:
            return
        turn = self._turns.finished[0]
        is_overdue = now_ms >= turn.ended_at_ms + self._settings.grace_ms
        if self._outbox.has_delivered(turn.number) or is_overdue or must_commit_now:
            self._turns.begin_commit()
            self._committing_cursor = self._turns.cursor(settled, after_commit=True)
            self._committing_words = (turn.heard, turn.said)
            self._writes.commit(
                CommitTurn(
                    self._record(turn),
                    self._committing_cursor,
                    pending_calls(turn.number),
                    self.undelivered.commit(turn.number),
                    turn.core_bill,
                )
            )

    def acknowledge(self, received: OutputPosition) -> None:
        """Forget the undelivered turns that the client has received.

        The result is stored at once. The client's next acknowledgement replaces this one, so the
        next worker may not read it.
        """
        if self.undelivered.acknowledge(received):
            self._writes.set_undelivered(self.undelivered.turns)

    def finish_commit(self) -> TurnInProgress:
        """Note that the turn being written is in memory, and return it."""
        turn = self._turns.mark_committed()
        self.memory = replace(self.memory, turns=(*self.memory.turns, self._record(turn)))
        self._summaries.after_commit(self.memory)
        if (turn.heard, turn.said) != self._committing_words:
            self.amend(turn)
        return turn

    def amend(self, turn: TurnInProgress) -> None:
        """Correct the transcripts of a committed turn, because they came after the commit.

        A summary that covers the turn does not change.
        """
        if not self.may_commit:
            return
        record = self._record(turn)
        turns = (record if one.number == record.number else one for one in self.memory.turns)
        self.memory = replace(self.memory, turns=tuple(turns))
        self._writes.amend(record)

    def take_summary(self, read: SummaryRead) -> None:
        """Use a newer summary, which the next Live session gets."""
        self.memory = self._summaries.take(self.memory, read)

    def forget(self, note_id: str) -> bool:
        """Remove a note from memory; return False if it is not there."""
        kept = tuple(note for note in self.memory.notes if note.note_id != note_id)
        was_present = len(kept) < len(self.memory.notes)
        self.memory = replace(self.memory, notes=kept)
        return was_present

    def delete_input(self) -> None:
        """Delete the messages up to the committed cursor from the mailbox.

        Later messages must stay: the next worker reads from that cursor, and would ask the client
        to send deleted messages again.
        """
        cursor = self._committing_cursor
        if cursor > self._deleted_through:
            self._writes.delete_messages(*range(self._deleted_through + 1, cursor + 1))
            self._deleted_through = cursor

    def stop_writing(self) -> None:
        """Stop commits, because another session has the conversation or it was erased."""
        self.may_commit = False
        self._turns.drop_finished()

    def history(self) -> tuple[HistoryEntry, ...]:
        """Return the history for a fresh Live session, including uncommitted turns."""
        uncommitted = (self._record(turn) for turn in self._turns.finished)
        return history((*self.memory.turns, *uncommitted), self._summaries.budget.characters)

    def reply_text(self, number: int) -> str | None:
        """Return the text of a turn's reply, None if the turn is not over."""
        remembered = {turn.number: turn.said for turn in self.memory.turns}
        finished = {turn.number: turn.said for turn in self._turns.finished}
        return (remembered | finished).get(number)

    def note_repeat(self, number: int) -> None:
        """Note that the next turn repeats the reply of a turn that the client missed."""
        self.undelivered.repeat(number, self._turns.next_number)

    def next_deadline_ms(self) -> int | None:
        """Return when the oldest finished turn is committed even if the client lacks it."""
        if not self._turns.finished or self._turns.is_committing:
            return None
        return self._turns.finished[0].ended_at_ms + self._settings.grace_ms

    def _record(self, turn: TurnInProgress) -> Turn:
        return shorten_turn(
            turn.to_turn(self._session_id, self._settings.prices, self._unix_offset_ms)
        )
