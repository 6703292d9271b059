"""AWS list prices, and the cost of counted operations."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum


class BilledItem(Enum):
    """The billed items with their prices in us-east-1, without the free tier.

    The prices come from secondary sources that cite AWS's price lists of the given dates
    (docs/assumptions.md).

    Attributes:
        label: The name in the table.
        usd: The price of ``per`` units.
        per: The number of units for the price.
        source: The price list and its date.
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
        """Return the cost of a number of units."""
        return Decimal(str(count)) * self.usd / self.per


@dataclass(frozen=True, slots=True)
class Usage:
    """The counts of one period.

    Attributes:
        seconds: The length of the period.
        counts: Units by item; a missing item is 0.
        operations: DynamoDB calls by purpose.
        reads: Read units by purpose.
        writes: Write units by purpose.
        posts: Messages to clients by type.
    """

    seconds: float
    counts: Mapping[BilledItem, float]
    operations: Mapping[str, float] = field(default_factory=dict)
    reads: Mapping[str, float] = field(default_factory=dict)
    writes: Mapping[str, float] = field(default_factory=dict)
    posts: Mapping[str, float] = field(default_factory=dict)

    def minus(self, earlier: "Usage") -> "Usage":
        """Return the difference to ``earlier``, whose period has the same start."""
        return Usage(
            self.seconds - earlier.seconds,
            _difference(self.counts, earlier.counts),
            _difference(self.operations, earlier.operations),
            _difference(self.reads, earlier.reads),
            _difference(self.writes, earlier.writes),
            _difference(self.posts, earlier.posts),
        )

    def with_writes_of(self, later: "Usage", purpose: str) -> "Usage":
        """Add the later writes for one purpose, without their time."""
        units = later.writes.get(purpose, 0)
        return replace(
            self,
            counts=_sum(self.counts, {BilledItem.WRITE_UNITS: units}),
            operations=_sum(self.operations, {purpose: later.operations.get(purpose, 0)}),
            writes=_sum(self.writes, {purpose: units}),
        )

    def per_minute(self) -> "Usage":
        """Return the counts scaled to a minute.

        Raises:
            ValueError: The period has no length.
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
        """Return the cost of one item."""
        return item.cost_usd(self.counts.get(item, 0))

    def dynamodb_usd(self, purpose: str) -> Decimal:
        """Return the cost of DynamoDB's calls for one purpose."""
        reads, writes = self.reads.get(purpose, 0), self.writes.get(purpose, 0)
        return BilledItem.READ_UNITS.cost_usd(reads) + BilledItem.WRITE_UNITS.cost_usd(writes)

    @property
    def total_usd(self) -> Decimal:
        """The total cost."""
        return sum((self.cost_usd(item) for item in BilledItem), Decimal(0))


def _difference[K](later: Mapping[K, float], earlier: Mapping[K, float]) -> dict[K, float]:
    """Return the counts that grew, and their growth."""
    grown = {name: count - earlier.get(name, 0) for name, count in later.items()}
    return {name: count for name, count in grown.items() if count}


def _sum[K](counts: Mapping[K, float], others: Mapping[K, float]) -> dict[K, float]:
    return {**counts, **{name: counts.get(name, 0) + count for name, count in others.items()}}


def _times[K](counts: Mapping[K, float], factor: float) -> dict[K, float]:
    return {name: count * factor for name, count in counts.items()}
