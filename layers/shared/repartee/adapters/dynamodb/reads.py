"""Consistent reads of one item or of a stretch of a partition."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.retries import Backoff, mapped_failures
from repartee.domain.errors import StoreUnavailable

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


def get_all(
    client: "DynamoDBClient", table: str, wanted: "Sequence[Item]", backoff: Backoff
) -> "list[Item | None]":
    """Return the items with these primary keys in their order, None where there is none.

    One round trip, unless the table is too busy to give all of them at once.

    Args:
        client: A low-level client.
        table: Where they lie.
        wanted: Keys, at most 100, none twice.
        backoff: How often and with which waits to ask for what was not given.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    found: dict[tuple[str, str], Item] = {}
    left = list(wanted)
    for attempt in range(backoff.attempts):
        if attempt:
            backoff.wait(attempt - 1)
        with mapped_failures():
            answer = client.batch_get_item(
                RequestItems={table: {"Keys": left, "ConsistentRead": True}}
            )
        found |= {_place(item): item for item in answer["Responses"].get(table, [])}
        if table not in answer.get("UnprocessedKeys", {}):
            return [found.get(_place(key)) for key in wanted]
        left = answer["UnprocessedKeys"][table]["Keys"]
    raise StoreUnavailable(f"{len(left)} items not read in {backoff.attempts} attempts")


def _place(item: "Item") -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def query(
    client: "DynamoDBClient",
    table: str,
    partition: str,
    *,
    first: str,
    last: str,
    backwards: bool = False,
    page_size: int | None = None,
    only: str | None = None,
) -> "Iterator[Item]":
    """Yield the partition's items with sort keys from ``first`` to ``last``, both inclusive.

    Pages are fetched as they are needed; a page ends at ``page_size`` items or at 1 MB. ``only``
    names the attributes to bring, with commas between; None brings all.

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
    if only is not None:
        request["ProjectionExpression"] = only
    while True:
        with mapped_failures():
            page = client.query(**request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
