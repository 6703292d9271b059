"""Which turn is whose: the one being answered, the one being spoken into, the ones to commit."""

from collections import deque
from dataclasses import dataclass, field

from repartee.domain.session.turn_in_progress import TurnInProgress


@dataclass(slots=True)
class TurnLedger:
    """The turns of one session that are not in memory yet.

    Attributes:
        next_number: The number that the next turn gets.
        current: The turn that the model works on.
        upcoming: What the user says while the current reply is still going on.
        finished: Turns that are over and wait for delivery and commit, oldest first.
        is_committing: The oldest finished turn is being written.
    """

    next_number: int
    current: TurnInProgress | None = None
    upcoming: TurnInProgress | None = None
    finished: deque[TurnInProgress] = field(default_factory=deque)
    is_committing: bool = False

    def __bool__(self) -> bool:
        return bool(self.current or self.upcoming or self.finished)

    def begin_input(self, seq: int, now_ms: int) -> TurnInProgress:
        """Return the turn that input from ``seq`` on belongs to.

        Whoever speaks again before the reply has begun is still in the same turn.
        """
        if self.current is None:
            self.current = self._new(now_ms)
        elif self.current.has_reply or self.upcoming is not None:
            self.upcoming = self.upcoming or self._new(now_ms)
        turn = self.upcoming or self.current
        turn.input_ended_ms = None
        if turn.first_seq is None:
            turn.first_seq = seq
        return turn

    def of_input(self, now_ms: int) -> TurnInProgress:
        """Return the turn that a transcript of the user belongs to; it may come late."""
        last = self.finished[-1] if self.finished and not self.is_committing else None
        return self.upcoming or self.current or last or self.of_reply(now_ms)

    def of_reply(self, now_ms: int) -> TurnInProgress:
        """Return the turn that the model answers; without one, a turn without input begins."""
        if self.current is None:
            self.current = self._new(now_ms)
        return self.current

    def end_input(self, now_ms: int) -> None:
        """The user has fallen silent."""
        turn = self.upcoming or self.current
        if turn is not None and turn.input_ended_ms is None:
            turn.input_ended_ms = now_ms

    def over(self, now_ms: int) -> TurnInProgress | None:
        """The current turn is over; what the user said meanwhile becomes the current one."""
        turn = self.current
        if turn is None:
            return None
        turn.over_at_ms = now_ms
        self.current, self.upcoming = self.upcoming, None
        self.finished.append(turn)
        return turn

    def forget_current(self) -> None:
        """Drop the current and the upcoming turn as if they had not begun."""
        for turn in (self.upcoming, self.current):
            if turn is not None:
                self.next_number = turn.number
        self.current = self.upcoming = None

    def committed(self) -> TurnInProgress:
        """The oldest finished turn is in memory."""
        self.is_committing = False
        return self.finished.popleft()

    def cursor(self, consumed: int, *, after_commit: bool) -> int:
        """Return up to which input message nobody needs to hear again.

        Args:
            consumed: The last message that was given to the model.
            after_commit: Count the oldest finished turn as committed.
        """
        turns = [*self.finished, self.current, self.upcoming]
        if after_commit:
            del turns[0]
        firsts = [turn.first_seq for turn in turns if turn and turn.first_seq is not None]
        return min([consumed, *(first - 1 for first in firsts)])

    def _new(self, now_ms: int) -> TurnInProgress:
        turn = TurnInProgress(self.next_number, now_ms)
        self.next_number += 1
        return turn
