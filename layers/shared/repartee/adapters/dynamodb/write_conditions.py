"""Conditions of writes: the user is not erased, and the worker is not replaced."""

from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all

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


def while_epoch_holds(
    session_table: DynamoTable, session_id: str, epoch: int
) -> "TransactWriteItemTypeDef":
    """Return a check for a transaction: it fails if the session has another epoch."""
    return {
        "ConditionCheck": {
            "TableName": session_table.name,
            "Key": keys.state(session_id),
            "ConditionExpression": "epoch = :mine",
            "ExpressionAttributeValues": encode_all({":mine": epoch}),
        }
    }


def advance_version(
    memory: DynamoTable, user_id: str, name: str, version: int
) -> "TransactWriteItemTypeDef":
    """Return a write, for a transaction, that raises the counter ``name`` of the user's profile.

    It fails if the counter is not ``version``, 0 for a missing one, or if the tombstone is set.
    """
    unchanged = f"{name} = :seen" if version else f"attribute_not_exists({name})"
    values = {":next": version + 1} | ({":seen": version} if version else {})
    return {
        "Update": {
            "TableName": memory.name,
            "Key": keys.profile(user_id),
            "UpdateExpression": f"SET {name} = :next",
            "ConditionExpression": f"{unchanged} AND {NOT_ERASED}",
            "ExpressionAttributeValues": encode_all(values),
        }
    }
