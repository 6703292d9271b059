"""Consistent reads of one item or of a stretch of a partition."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.retries import mapped_failures

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import QueryInputTypeDef

    from repartee.adapters.dynamodb.keys import Item


def get(client: "DynamoDBClient", table: str, key: "Item") -> "Item | None":
    """Return the item, None where there is none.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    with mapped_failures():
        response = client.get_item(TableName=table, Key=key, ConsistentRead=True)
    return response.get("Item")


def query(
    client: "DynamoDBClient",
    table: str,
    partition: str,
    *,
    first: str,
    last: str,
    backwards: bool = False,
    page_size: int | None = None,
) -> "Iterator[Item]":
    """Yield the partition's items with sort keys from ``first`` to ``last``, both inclusive.

    Pages are fetched as they are needed; a page ends at ``page_size`` items or at 1 MB.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    request: QueryInputTypeDef = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk AND sk BETWEEN :first AND :last",
        "ExpressionAttributeValues": {
            ":pk": {"S": partition},
            ":first": {"S": first},
            ":last": {"S": last},
        },
        "ConsistentRead": True,
        "ScanIndexForward": not backwards,
    }
    if page_size is not None:
        request["Limit"] = page_size
    while True:
        with mapped_failures():
            page = client.query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
