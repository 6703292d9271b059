"""Deletes many items by their keys."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.retries import Backoff, mapped_failures
from repartee.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import WriteRequestOutputTypeDef

    from repartee.adapters.dynamodb.keys import Item

BATCH = 25
"""BatchWriteItem takes no more. Source: DynamoDB API reference."""


def delete_batch(
    client: "DynamoDBClient", doomed: "Mapping[str, Sequence[Item]]", backoff: Backoff
) -> None:
    """Delete at most 25 items, given by table and key; those that are gone are no error.

    Raises:
        StoreUnavailable: The table failed, or kept leaving items unprocessed. Some may be gone.
    """
    batch: dict[str, list[WriteRequestOutputTypeDef]] = {
        table: [{"DeleteRequest": {"Key": key}} for key in found]
        for table, found in doomed.items()
        if found
    }
    for attempt in range(backoff.attempts):
        if not batch:
            return
        if attempt:
            backoff.wait(attempt - 1)
        with mapped_failures():
            batch = client.batch_write_item(RequestItems=batch)["UnprocessedItems"]
    if batch:
        raise StoreUnavailable("BatchWriteItem left items unprocessed")
