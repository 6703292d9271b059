import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.expiry import is_kept
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.tombstone import unless_erased
from repartee.adapters.dynamodb.usage_items import count_usage, usage_from
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.errors import LeaseLost, UserErased
from repartee.domain.limits import DayUsage, utc_day
from repartee.domain.retention import FOR_EVER, Retention
from repartee.domain.session_state import Spending
from repartee.ports.clock import Clock

# Places in a spending's transaction.
_PROFILE, _STATE = range(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoUsageStore:
    """Users' counters by UTC day in MemoryTable, and a session's own in its state in LiveTable.

    Attributes:
        retention: For ``add``; who only reads needs none.
    """

    live: DynamoTable
    memory: DynamoTable
    clock: Clock
    retention: Retention = FOR_EVER

    def of_day(self, user_id: str, day: date) -> DayUsage:
        """Return what the user has used on ``day``, every commit before this call included."""
        item = self.memory.get(keys.usage(user_id, day.isoformat()))
        return DayUsage(day) if item is None else usage_from(item)

    def days(self, user_id: str, *, limit: int) -> Sequence[DayUsage]:
        """Return the user's newest days on which something was used, the newest first."""
        items = self.memory.query(
            keys.user(user_id),
            first=keys.USAGE_PREFIX,
            last=keys.USAGE_END,
            backwards=True,
            page_size=limit,
        )
        now_ms = self.clock.now_ms()
        kept = (item for item in items if is_kept(item, now_ms))
        return [usage_from(item) for item in islice(kept, limit)]

    def add(self, spending: Spending) -> None:
        """Count what no commit counts, in the day and in its session; once per token.

        DynamoDB knows a token for 10 min, far longer than the retries take.

        Raises:
            UserErased: The user's tombstone is set, or the session is gone: nothing was counted.
            LeaseLost: The session's epoch has moved on from the spending's: nothing was counted.
        """
        # Or a state that is gone would come back as a stump.
        condition, values = "attribute_exists(pk)", {":cost": spending.cost_usd}
        if spending.epoch is not None:
            condition, values = "epoch = :mine", {**values, ":mine": Decimal(spending.epoch)}
        # Tokens count for a whole account, hence the tables' names.
        named = repr((self.memory.name, self.live.name, spending.token)).encode()
        day = utc_day(spending.spent_at_ms)
        more = DayUsage(day, tokens=spending.tokens, cost_usd=spending.cost_usd)
        expires_at = self.retention.ends_at_s(spending.spent_at_ms)
        try:
            self.memory.transact(
                [
                    unless_erased(self.memory, spending.user_id),
                    {
                        "Update": {
                            "TableName": self.live.name,
                            "Key": keys.state(spending.session_id),
                            "UpdateExpression": "ADD cost_usd :cost",
                            "ConditionExpression": condition,
                            "ExpressionAttributeValues": encode_all(values),
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                    {"Update": count_usage(self.memory, spending.user_id, more, expires_at)},
                ],
                token=hashlib.sha256(named).hexdigest()[:36],
            )
        except TransactionRefused as refused:
            if refused.failed(_PROFILE) or refused.item(_STATE) is None:
                raise UserErased(spending.user_id) from None
            raise LeaseLost(spending.session_id) from None
