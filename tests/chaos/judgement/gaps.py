"""How long a fault kept the user in silence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.user.client_record import ClientRecord


class GapKind(StrEnum):
    """From which event to the first audible frame after it."""

    WORKER_KILLED = "worker killed while it owed an answer"
    WORKER_FROZEN = "worker frozen while it owed an answer"
    LINE_DROPPED = "line dropped during a reply"
    HELLO = "new hello after a line dropped during a reply"
    HELLO_HINDERED = "new hello, its line refusing or reordering too"


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


# What holds back the hello itself, or the frames that follow from it.
_ON_THE_LINE = frozenset({FaultKind.POST_REFUSED, FaultKind.REORDERED})
_WORKER = {
    FaultKind.WORKER_KILLED: GapKind.WORKER_KILLED,
    FaultKind.WORKER_FROZEN: GapKind.WORKER_FROZEN,
}


def close_gaps(
    opened: Sequence[OpenGap], record: ClientRecord, planned: Collection[FaultKind]
) -> list[Gap]:
    """Measure each silence that ended; one that did not is the oracle's to find.

    Args:
        opened: What the faults of a run began.
        record: What its client got, and when.
        planned: The run's kinds of faults.
    """
    hello = GapKind.HELLO if _ON_THE_LINE.isdisjoint(planned) else GapKind.HELLO_HINDERED
    gaps: list[Gap] = []
    for gap in opened:
        if gap.kind in _WORKER and gap.is_owed:
            # What the dead one had still sent does not count.
            at_ms = [one.at_ms for one in record.audio if one.epoch > gap.epoch]
            if at_ms:
                gaps.append(Gap(_WORKER[gap.kind], at_ms[0] - gap.from_ms))
        elif gap.kind is FaultKind.LINE_DROPPED and gap.is_replying:
            came = [one for one in record.audio if one.connection > gap.connection]
            # Where another worker goes on, it is the death of the one before that took so long.
            if came and came[0].epoch == gap.epoch:
                first = came[0]
                hello_ms = record.hellos_at_ms[first.connection]
                gaps.append(Gap(GapKind.LINE_DROPPED, first.at_ms - gap.from_ms))
                gaps.append(Gap(hello, first.at_ms - hello_ms))
    return gaps
