"""Remembers which committed turns the client may not have received, for the next worker."""

from dataclasses import dataclass, field

from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.state import UndeliveredTurn

# Upper bound on the undelivered turns that are remembered. A client that never acknowledges must
# not fill the state.
MAX_UNDELIVERED = 10


@dataclass(slots=True)
class UndeliveredTurns:
    """The committed turns whose replies the client may lack.

    Attributes:
        turns: The turns of earlier workers and of this one, oldest first.
    """

    turns: tuple[UndeliveredTurn, ...]
    _outbox: Outbox
    _missed: set[int] = field(default_factory=set)
    _repeated_by: dict[int, int] = field(default_factory=dict)

    def acknowledge(self, received: OutputPosition) -> bool:
        """Forget the turns that the client has received; return whether there are any.

        An acknowledgement counts only for output of the same epoch, because a client discards the
        rest of an epoch when the first frame of the next one arrives.
        """
        left = tuple(
            one
            for one in self.turns
            if one.number in self._missed
            or received.epoch != one.ends_at.epoch
            or received.seq < one.ends_at.seq
        )
        is_changed = left != self.turns
        self.turns = left
        return is_changed

    def mark_missed(self, numbers: set[int]) -> None:
        """Record that the client lacks these turns; later acknowledgements do not cover them."""
        self._missed |= numbers

    def is_missed(self, number: int) -> bool:
        """Return whether the client is known to lack a turn of an earlier worker."""
        return number in self._missed

    def repeat(self, number: int, by_turn: int) -> None:
        """Record that ``by_turn`` repeats a turn, which stays undelivered until that commits."""
        self._repeated_by[number] = by_turn

    def commit(self, number: int) -> tuple[UndeliveredTurn, ...]:
        """Return the turns that are undelivered once this turn is committed too."""
        kept = [one for one in self.turns if number < self._repeated_by.get(one.number, number + 1)]
        if (ends_at := self._outbox.undelivered_end(number)) is not None:
            kept.append(UndeliveredTurn(number, ends_at))
        self.turns = tuple(kept[-MAX_UNDELIVERED:])
        return self.turns
