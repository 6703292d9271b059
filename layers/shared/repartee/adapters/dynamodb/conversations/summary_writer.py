from dataclasses import dataclass

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.adapters.dynamodb.write_conditions import unless_erased
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.errors import UserErased
from repartee.domain.users.retention import Retention
from repartee.ports.runtime import Clock

# Indexes of the writes in a fold's transaction.
_SUMMARY, _HEADER, _PROFILE = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoSummaryWriter:
    """Writes rolling summaries to MemoryTable, an item for each conversation."""

    memory: DynamoTable
    clock: Clock
    retention: Retention

    def fold_summary(self, fold: SummaryFold) -> bool:
        """Replace the summary that the new one was made from.

        Raises:
            UserErased: The user's tombstone is set.
            ItemTooLarge: The summary is too large; nothing was written.
        """
        now_ms = self.clock.now_ms()
        item = {
            **keys.summary(fold.conversation_id),
            **encode_all(
                {
                    "summary": fold.summary,
                    "through": fold.through,
                    "expires_at": self.retention.ends_at_s(now_ms),
                }
            ),
        }
        check_size(item)
        try:
            self.memory.transact(
                [
                    {
                        "Put": {
                            "TableName": self.memory.name,
                            "Item": item,
                            "ConditionExpression": (
                                "through = :read OR (:read = :none AND "
                                "(attribute_not_exists(pk) OR expires_at <= :now))"
                            ),
                            "ExpressionAttributeValues": encode_all(
                                {":read": fold.read_through, ":none": 0, ":now": now_ms // 1_000}
                            ),
                        }
                    },
                    {
                        "ConditionCheck": {
                            "TableName": self.memory.name,
                            "Key": keys.header(fold.user_id, fold.conversation_id),
                            "ConditionExpression": "turn_count >= :last",
                            "ExpressionAttributeValues": encode_all({":last": fold.through}),
                        }
                    },
                    unless_erased(self.memory, fold.user_id),
                ],
            )
        except TransactionRefused as refused:
            if refused.failed(_PROFILE):
                raise UserErased(fold.user_id) from None
            return False
        return True
