"""AWS list prices, and what counted operations cost by them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum


class BilledItem(Enum):
    """Everything that is counted and billed.

    us-east-1, before free tier. AWS's own pages were not read: secondary sources that cite AWS's
    price lists of the dates named here (docs/assumptions.md).

    Attributes:
        label: What the table calls it.
        usd: Price of ``per`` units.
        per: How many units that buys.
        source: Whose price list, of which date.
    """

    MESSAGES_IN = ("API Gateway messages in", "1.00", 1_000_000, "API Gateway, 2026-09-21")
    MESSAGES_OUT = ("API Gateway messages out", "1.00", 1_000_000, "API Gateway, 2026-09-21")
    CONNECTION_MIN = ("API Gateway connection min", "0.25", 1_000_000, "API Gateway, 2026-09-21")
    INVOCATIONS = ("Lambda requests", "0.20", 1_000_000, "Lambda, 2026-09-19")
    WORKER_GB_S = ("Lambda GB-s, stream agent", "0.0000133334", 1, "Lambda arm64, 2026-09-19")
    OTHER_GB_S = ("Lambda GB-s, others", "0.0000133334", 1, "Lambda arm64, 2026-09-19")
    WRITE_UNITS = ("DynamoDB write units", "0.625", 1_000_000, "DynamoDB on demand, 2024-11-01")
    READ_UNITS = ("DynamoDB read units", "0.125", 1_000_000, "DynamoDB on demand, 2024-11-01")
    EGRESS_GB = ("GB out, client and Gemini", "0.09", 1, "data transfer out, 2026-11-22")
    LOG_GB = ("GB of logs", "0.50", 1, "CloudWatch Logs, 2026-11-22")

    def __init__(self, label: str, usd: str, per: int, source: str) -> None:
        self.label = label
        self.usd = Decimal(usd)
        self.per = per
        self.source = source

    def cost_usd(self, count: float) -> Decimal:
        """Return what so many units cost."""
        return Decimal(str(count)) * self.usd / self.per


@dataclass(frozen=True, slots=True)
class Usage:
    """What was counted in one stretch of time.

    Attributes:
        seconds: How long it was.
        counts: Units by item; what is not there is 0.
        operations: DynamoDB calls by what they are for.
        reads: Their read units, likewise.
        writes: Their write units, likewise.
        posts: Messages to clients by their type.
    """

    seconds: float
    counts: Mapping[BilledItem, float]
    operations: Mapping[str, float] = field(default_factory=dict)
    reads: Mapping[str, float] = field(default_factory=dict)
    writes: Mapping[str, float] = field(default_factory=dict)
    posts: Mapping[str, float] = field(default_factory=dict)

    def minus(self, earlier: "Usage") -> "Usage":
        """Return what came on top of ``earlier``, which began at the same time."""
        return Usage(
            self.seconds - earlier.seconds,
            _difference(self.counts, earlier.counts),
            _difference(self.operations, earlier.operations),
            _difference(self.reads, earlier.reads),
            _difference(self.writes, earlier.writes),
            _difference(self.posts, earlier.posts),
        )

    def with_writes_of(self, later: "Usage", purpose: str) -> "Usage":
        """Return this with the writes for one purpose that came later, and no time for them."""
        units = later.writes.get(purpose, 0)
        return replace(
            self,
            counts=_sum(self.counts, {BilledItem.WRITE_UNITS: units}),
            operations=_sum(self.operations, {purpose: later.operations.get(purpose, 0)}),
            writes=_sum(self.writes, {purpose: units}),
        )

    def per_minute(self) -> "Usage":
        """Return the same pace for a minute.

        Raises:
            ValueError: It took no time.
        """
        if self.seconds <= 0:
            raise ValueError("no time to divide by")
        factor = 60 / self.seconds
        return Usage(
            60.0,
            _times(self.counts, factor),
            _times(self.operations, factor),
            _times(self.reads, factor),
            _times(self.writes, factor),
            _times(self.posts, factor),
        )

    def cost_usd(self, item: BilledItem) -> Decimal:
        """Return what one item cost."""
        return item.cost_usd(self.counts.get(item, 0))

    def dynamodb_usd(self, purpose: str) -> Decimal:
        """Return what DynamoDB's calls for one purpose cost."""
        reads, writes = self.reads.get(purpose, 0), self.writes.get(purpose, 0)
        return BilledItem.READ_UNITS.cost_usd(reads) + BilledItem.WRITE_UNITS.cost_usd(writes)

    @property
    def total_usd(self) -> Decimal:
        """What all of it cost."""
        return sum((self.cost_usd(item) for item in BilledItem), Decimal(0))


def _difference[K](later: Mapping[K, float], earlier: Mapping[K, float]) -> dict[K, float]:
    """Return what grew, and by how much."""
    grown = {name: count - earlier.get(name, 0) for name, count in later.items()}
    return {name: count for name, count in grown.items() if count}


def _sum[K](counts: Mapping[K, float], others: Mapping[K, float]) -> dict[K, float]:
    return {**counts, **{name: counts.get(name, 0) + count for name, count in others.items()}}


def _times[K](counts: Mapping[K, float], factor: float) -> dict[K, float]:
    return {name: count * factor for name, count in counts.items()}
