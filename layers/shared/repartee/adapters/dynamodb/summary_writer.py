from typing import TYPE_CHECKING

from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.retries import Backoff, TransactionRefused, transact
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.errors import UserErased
from repartee.domain.retention import Retention
from repartee.domain.summary import SummaryFold
from repartee.ports.clock import Clock

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# Places in a fold's transaction.
_SUMMARY, _HEADER, _PROFILE = range(3)


class DynamoSummaryWriter:
    """Writes rolling summaries to MemoryTable, an item for each conversation."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        memory_table: str,
        retention: Retention | None = None,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._retention = retention or Retention()
        self._clock = clock or SystemClock()
        self._memory = memory_table
        self._backoff = backoff or Backoff()

    def fold_summary(self, fold: SummaryFold) -> bool:
        """Put a summary in the place of the one that it was made from.

        Raises:
            UserErased: The user's tombstone is set.
            ItemTooLarge: The summary is; nothing was asked of the table.
        """
        now_ms = self._clock.now_ms()
        item = {
            **keys.summary(fold.conversation_id),
            **encode_all(
                {
                    "summary": fold.summary,
                    "through": fold.through,
                    "expires_at": self._retention.ends_at_s(now_ms),
                }
            ),
        }
        check_size(item)
        try:
            transact(
                self._client,
                [
                    {
                        "Put": {
                            "TableName": self._memory,
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
                            "TableName": self._memory,
                            "Key": keys.header(fold.user_id, fold.conversation_id),
                            "ConditionExpression": "turn_count >= :last",
                            "ExpressionAttributeValues": encode_all({":last": fold.through}),
                        }
                    },
                    {
                        "ConditionCheck": {
                            "TableName": self._memory,
                            "Key": keys.profile(fold.user_id),
                            "ConditionExpression": "attribute_not_exists(erased_at_ms)",
                        }
                    },
                ],
                backoff=self._backoff,
            )
        except TransactionRefused as refused:
            if refused.failed(_PROFILE):
                raise UserErased(fold.user_id) from None
            return False
        return True
