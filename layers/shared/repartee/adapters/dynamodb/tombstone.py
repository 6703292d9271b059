"""Nothing is written for what was erased: the condition that the writers share."""

from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

NOT_ERASED = "attribute_not_exists(erased_at_ms)"
"""Holds for a profile or a header that is no tombstone, and where there is none."""


def unless_erased(memory: DynamoTable, user_id: str) -> "TransactWriteItemTypeDef":
    """Return a part of a transaction that refuses it when the user's tombstone is set."""
    return {
        "ConditionCheck": {
            "TableName": memory.name,
            "Key": keys.profile(user_id),
            "ConditionExpression": NOT_ERASED,
        }
    }
