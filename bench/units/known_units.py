"""Checks the count of units with calls whose units are known."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.units.consumed_units import ConsumedUnits
from bench.units.dynamodb import make_table
from local.hosting.aws_resources import dynamodb_client
from repartee.adapters.dynamodb import keys

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef


def known_units(endpoint: str) -> Mapping[str, float]:
    """Count calls with known units, and return the counts; a wrong count ends the benchmark.

    Raises:
        RuntimeError: DynamoDB Local reports other units than AWS documents.
    """
    client = dynamodb_client(endpoint)
    table = make_table(client, "known", "pk", "sk")
    units = ConsumedUnits(client)
    # The item has 4.5 KB with its names and key.
    item = {**keys.key("a", "b"), "text": {"S": "x" * 4_598}}
    client.put_item(TableName=table, Item=item)
    _, put, _ = units.take()
    client.get_item(TableName=table, Key=keys.key("a", "b"), ConsistentRead=True)
    strong, _, _ = units.take()
    client.get_item(TableName=table, Key=keys.key("a", "b"))
    eventual, _, _ = units.take()
    both = [keys.key("a", "b"), keys.key("a", "c")]
    client.batch_get_item(RequestItems={table: {"Keys": both, "ConsistentRead": True}})
    batch, _, _ = units.take()
    writes: list[TransactWriteItemTypeDef] = [
        {"Put": {"TableName": table, "Item": item}},
        {"Put": {"TableName": table, "Item": keys.key("a", "d")}},
    ]
    client.transact_write_items(TransactItems=writes)
    _, transaction_items, _ = units.take()
    found = {
        "put": put,
        "strong_get": strong,
        "eventual_get": eventual,
        "batch_with_a_missing_item": batch,
        "transaction_with_a_small_item": transaction_items,
    }
    # The item takes 5 write units, twice that in a transaction, 2 units for a strong read and 1
    # for an eventual one; a small or missing item takes one unit.
    wanted = {
        "put": 5.0,
        "strong_get": 2.0,
        "eventual_get": 1.0,
        "batch_with_a_missing_item": 3.0,
        "transaction_with_a_small_item": 12.0,
    }
    if found != wanted:
        raise RuntimeError(f"the units of an item of 4.5 KB are {wanted}, not {found}")
    return found
