from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.retries import Backoff, TransactionRefused, transact
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.errors import UserErased
from repartee.domain.summary import SummaryFold

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# Places in a fold's transaction.
_HEADER, _PROFILE = range(2)


class DynamoSummaryWriter:
    """Writes rolling summaries into the headers of MemoryTable."""

    def __init__(
        self, client: "DynamoDBClient", *, memory_table: str, backoff: Backoff | None = None
    ) -> None:
        self._client = client
        self._memory = memory_table
        self._backoff = backoff or Backoff()

    def fold_summary(self, fold: SummaryFold) -> bool:
        """Put a summary in the place of the one that it was made from.

        Commits need not wait for it: they neither read nor write what it changes.

        Raises:
            UserErased: The user's tombstone is set.
            ItemTooLarge: The summary is; nothing was asked of the table.
        """
        changed = encode_all({"summary": fold.summary, "summary_through": fold.through})
        check_size(changed)
        try:
            transact(
                self._client,
                [
                    {
                        "Update": {
                            "TableName": self._memory,
                            "Key": keys.header(fold.user_id, fold.conversation_id),
                            "UpdateExpression": "SET summary = :summary, summary_through = :last",
                            # A header that is gone has no such number: it does not come back.
                            "ConditionExpression": (
                                "summary_through = :read AND turn_count >= :last"
                            ),
                            "ExpressionAttributeValues": encode_all(
                                {
                                    ":summary": fold.summary,
                                    ":last": fold.through,
                                    ":read": fold.read_through,
                                }
                            ),
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
