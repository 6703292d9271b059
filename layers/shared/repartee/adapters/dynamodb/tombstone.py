"""The condition that stops all writes for an erased user or conversation."""

from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

NOT_ERASED = "attribute_not_exists(erased_at_ms)"
"""True for a profile or a header that is not a tombstone, and for a missing item."""


def unless_erased(memory: DynamoTable, user_id: str) -> "TransactWriteItemTypeDef":
    """Return a check for a transaction: it fails if the user's tombstone is set."""
    return {
        "ConditionCheck": {
            "TableName": memory.name,
            "Key": keys.profile(user_id),
            "ConditionExpression": NOT_ERASED,
        }
    }
