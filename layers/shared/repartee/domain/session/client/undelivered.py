"""Turns that are in memory before the client has got them, for the next worker."""

from dataclasses import dataclass, field

from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.state import UndeliveredTurn

# Upper bound on the undelivered turns that are remembered. A client that never acknowledges must
# not fill the state.
MAX_UNDELIVERED = 10


@dataclass(slots=True)
class UndeliveredTurns:
    """Turns whose replies the client may miss, oldest first.

    Attributes:
        turns: Those of earlier workers, and those that this one has committed.
    """

    turns: tuple[UndeliveredTurn, ...]
    _outbox: Outbox
    _missed: set[int] = field(default_factory=set)
    _repeated_by: dict[int, int] = field(default_factory=dict)

    def acknowledge(self, received: OutputPosition) -> None:
        """Forget what the client turns out to have.

        A worker's output counts only as received in its own epoch: with the first frame of the next
        one, the client gives up the rest.
        """
        self.turns = tuple(
            one
            for one in self.turns
            if one.number in self._missed
            or received.epoch != one.ends_at.epoch
            or received.seq < one.ends_at.seq
        )

    def mark_missed(self, numbers: set[int]) -> None:
        """Note that the client does not have these: later acknowledgements are of later frames."""
        self._missed |= numbers

    def is_missed(self, number: int) -> bool:
        """Return whether the client is known not to have a turn of an earlier worker."""
        return number in self._missed

    def repeat(self, number: int, by_turn: int) -> None:
        """Note that a turn is said again; it is missed until ``by_turn`` or a later one is over."""
        self._repeated_by[number] = by_turn

    def commit(self, number: int) -> tuple[UndeliveredTurn, ...]:
        """Return what is undelivered once this turn is in memory too."""
        kept = [one for one in self.turns if number < self._repeated_by.get(one.number, number + 1)]
        if (ends_at := self._outbox.undelivered_end(number)) is not None:
            kept.append(UndeliveredTurn(number, ends_at))
        self.turns = tuple(kept[-MAX_UNDELIVERED:])
        return self.turns
