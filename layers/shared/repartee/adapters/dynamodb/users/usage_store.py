import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.expiry import is_kept
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.usage_items import count_usage, usage_from
from repartee.adapters.dynamodb.values import encode_all
from repartee.adapters.dynamodb.write_conditions import unless_erased
from repartee.domain.cost.limits import DayUsage, utc_day
from repartee.domain.errors import LeaseLost, UserErased
from repartee.domain.session.state import Spending
from repartee.domain.users.retention import KEEP_FOREVER, Retention
from repartee.ports.runtime import Clock

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Indexes of the writes in a spending's transaction.
_PROFILE, _STATE = range(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoUsageStore:
    """Users' counters by UTC day in MemoryTable, and a session's own in its state in LiveTable.

    Attributes:
        retention: How long a day is kept; only ``add`` needs it.
    """

    session_table: DynamoTable
    memory: DynamoTable
    clock: Clock
    retention: Retention = KEEP_FOREVER

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
        """Count a spending that no commit counts, in its day and its session; once per token.

        DynamoDB knows a token for 10 min, far longer than the retries take.

        Raises:
            UserErased: The user's tombstone is set: nothing was counted.
            LeaseLost: The session's epoch has moved on from the spending's: nothing was counted.
        """
        try:
            self._count(spending, in_session=True)
        except TransactionRefused as refused:
            if refused.failed(_PROFILE):
                raise UserErased(spending.user_id) from None
            if spending.epoch is not None or refused.item(_STATE) is not None:
                raise LeaseLost(spending.session_id) from None
        else:
            return
        # The conversation was erased with its sessions. Its cost still counts in the user's day.
        try:
            self._count(spending, in_session=False)
        except TransactionRefused:
            raise UserErased(spending.user_id) from None

    def _count(self, spending: Spending, *, in_session: bool) -> None:
        # Without a condition, a deleted state would be created again with this attribute only.
        condition, values = "attribute_exists(pk)", {":cost": spending.cost_usd}
        if spending.epoch is not None:
            condition, values = "epoch = :mine", {**values, ":mine": Decimal(spending.epoch)}
        more = DayUsage(
            utc_day(spending.spent_at_ms), tokens=spending.tokens, cost_usd=spending.cost_usd
        )
        expires_at = self.retention.ends_at_s(spending.spent_at_ms)
        session: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self.session_table.name,
                "Key": keys.state(spending.session_id),
                "UpdateExpression": "ADD cost_usd :cost",
                "ConditionExpression": condition,
                "ExpressionAttributeValues": encode_all(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }
        # A token is unique in the whole account and stands for one set of writes. So it contains
        # the tables' names and says which writes these are.
        named = (self.memory.name, self.session_table.name, spending.token)
        text = repr(named) if in_session else repr((*named, "the day alone"))
        self.memory.transact(
            [
                unless_erased(self.memory, spending.user_id),
                *([session] if in_session else []),
                {"Update": count_usage(self.memory, spending.user_id, more, expires_at)},
            ],
            token=hashlib.sha256(text.encode()).hexdigest()[:36],
        )
