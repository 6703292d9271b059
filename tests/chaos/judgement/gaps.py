"""Measures the silences that faults cause."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.user.client_record import ClientRecord


class GapKind(StrEnum):
    """The event that begins a silence, which the next audio ends."""

    WORKER_KILLED = "worker killed while an answer was outstanding"
    WORKER_FROZEN = "worker frozen while an answer was outstanding"
    LINE_DROPPED = "line dropped during a reply"
    HELLO = "new hello after a line dropped during a reply"
    HELLO_HINDERED = "new hello on a line that refuses or reorders too"


@dataclass(frozen=True, slots=True)
class Gap:
    """One measured silence."""

    kind: GapKind
    ms: float


@dataclass(frozen=True, slots=True)
class OpenGap:
    """A silence that a fault began.

    Attributes:
        kind: The fault.
        from_ms: When the fault occurred.
        epoch: The worker's epoch at that time.
        connection: The number of the client's connection at that time.
        is_owed: Whether an answer was outstanding.
        is_replying: Whether a reply had begun and not ended.
    """

    kind: FaultKind
    from_ms: float
    epoch: int
    connection: int
    is_owed: bool
    is_replying: bool


# These faults delay the hello or the frames after it.
_ON_THE_LINE = frozenset({FaultKind.POST_REFUSED, FaultKind.REORDERED})
_WORKER = {
    FaultKind.WORKER_KILLED: GapKind.WORKER_KILLED,
    FaultKind.WORKER_FROZEN: GapKind.WORKER_FROZEN,
}


def close_gaps(
    opened: Sequence[OpenGap], record: ClientRecord, planned: Collection[FaultKind]
) -> list[Gap]:
    """Measure the silences that ended; the oracle detects the others.

    Args:
        opened: The silences of a run.
        record: The record of the run's client.
        planned: The kinds of faults in the run's plan.
    """
    hello = GapKind.HELLO if _ON_THE_LINE.isdisjoint(planned) else GapKind.HELLO_HINDERED
    gaps: list[Gap] = []
    for gap in opened:
        if gap.kind in _WORKER and gap.is_owed:
            # Late audio of the old worker does not end the silence.
            at_ms = [one.at_ms for one in record.audio if one.epoch > gap.epoch]
            if at_ms:
                gaps.append(Gap(_WORKER[gap.kind], at_ms[0] - gap.from_ms))
        elif gap.kind is FaultKind.LINE_DROPPED and gap.is_replying:
            came = [one for one in record.audio if one.connection > gap.connection]
            # If another worker continues, the silence belongs to the end of the old worker.
            if came and came[0].epoch == gap.epoch:
                first = came[0]
                hello_ms = record.hellos_at_ms[first.connection]
                gaps.append(Gap(GapKind.LINE_DROPPED, first.at_ms - gap.from_ms))
                gaps.append(Gap(hello, first.at_ms - hello_ms))
    return gaps
