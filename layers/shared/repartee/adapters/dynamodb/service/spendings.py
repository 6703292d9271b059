import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.cost.service_cap import ServiceSpending

# DynamoDB takes 1,000 writes of an item a second. 400 talkers finish about 30 turns a second.
SHARDS = 8
# Workers near midnight read and write the day before too.
KEPT_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoServiceSpendings:
    """Counters in LiveTable: eight items for each UTC day, which expire after three days."""

    session_table: DynamoTable

    def add(self, spent: ServiceSpending, *, source: str) -> None:
        """Count a spending in the item of its source; see the port."""
        shard = zlib.crc32(source.encode()) % SHARDS
        kept_until = datetime.combine(spent.day + timedelta(KEPT_DAYS), time(), UTC)
        values = {":cost": spent.cost_usd, ":expires_at": Decimal(int(kept_until.timestamp()))}
        self.session_table.update(
            keys.service_spending(spent.day, shard),
            "ADD cost_usd :cost SET expires_at = :expires_at",
            encode_all(values),
            condition=None,
            returns="NONE",
        )

    def of_day(self, day: date) -> ServiceSpending:
        """Return everything that is counted on ``day``, every earlier ``add`` included."""
        items = self.session_table.query(
            keys.SERVICE_SPENDING,
            first=keys.service_spending_sort(day, 0),
            last=keys.service_spending_sort(day, SHARDS - 1),
        )
        total = sum((Decimal(item["cost_usd"]["N"]) for item in items), Decimal())
        return ServiceSpending(day, total)
