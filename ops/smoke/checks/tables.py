"""Tests how DynamoDB reports transaction conflicts, and whether items expire."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ops.finding import Finding, compared, judged

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import UpdateTypeDef

_KEY = {"pk": {"S": "smoke#conflict"}, "sk": {"S": "state"}}
_ROUNDS = 20
_AT_ONCE = 8
_LIFE_S = 3_600


def findings(client: "DynamoDBClient", live_table: str, memory_table: str) -> list[Finding]:
    """Write a test item into LiveTable with many concurrent transactions, and delete it."""
    found = [
        _expiry(client, "LiveTable", live_table),
        _expiry(client, "MemoryTable", memory_table),
    ]
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = list(
                pool.map(lambda _: _count_conflicts(client, live_table), range(_ROUNDS * _AT_ONCE))
            )
        refused = _refused_with(client, live_table)
    finally:
        client.delete_item(TableName=live_table, Key=_KEY)
    known = {"written", "TransactionConflict", "TransactionConflictException"}
    counted = {one: outcomes.count(one) for one in sorted(set(outcomes))}
    return [
        *found,
        judged("conflicts fail in a known way", set(outcomes) <= known, f"{counted}"),
        judged(
            "a refused transaction returns the existing item",
            "turns" in refused,
            f"{refused}",
        ),
    ]


def _expiry(client: "DynamoDBClient", name: str, table: str) -> Finding:
    ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    return compared(
        f"items of {name} expire by expires_at",
        (ttl.get("TimeToLiveStatus"), ttl.get("AttributeName")),
        ("ENABLED", "expires_at"),
    )


def _count_conflicts(client: "DynamoDBClient", table: str) -> str:
    update: UpdateTypeDef = {
        "TableName": table,
        "Key": _KEY,
        "UpdateExpression": "SET expires_at = :soon ADD turns :one",
        "ExpressionAttributeValues": {
            ":soon": {"N": str(int(time.time()) + _LIFE_S)},
            ":one": {"N": "1"},
        },
    }
    try:
        client.transact_write_items(TransactItems=[{"Update": update}])
    except ClientError as error:
        return reason_of(error)
    return "written"


def _refused_with(client: "DynamoDBClient", table: str) -> list[str]:
    """Put an item that exists; return the attributes of the existing item in the refusal."""
    try:
        client.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": table,
                        "Item": _KEY,
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                    }
                }
            ]
        )
    except ClientError as error:
        reasons = error.response.get("CancellationReasons", [])
        return sorted(name for reason in reasons for name in reason.get("Item", {}))
    return []


def reason_of(error: ClientError) -> str:
    """Return the first reason of a failed transaction, or else the error code."""
    reasons = error.response.get("CancellationReasons", [])
    codes = (str(reason.get("Code")) for reason in reasons)
    return next(
        (code for code in codes if code != "None"),
        str(error.response["Error"]["Code"]),
    )
