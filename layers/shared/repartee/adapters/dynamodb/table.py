"""Gives the adapters access to one DynamoDB table; no other module calls the client.

An adapter gets the tables that it needs. So a function whose composition root makes one table
cannot reach another.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.retries import Backoff, transact, translate_errors, write_one
from repartee.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.literals import ReturnValueType
    from types_boto3_dynamodb.type_defs import (
        DeleteItemInputTypeDef,
        PutItemInputTypeDef,
        QueryInputTypeDef,
        TransactWriteItemTypeDef,
        UpdateItemInputTypeDef,
        WriteRequestOutputTypeDef,
    )

    from repartee.adapters.dynamodb.keys import Item

READ_BATCH = 100
"""BatchGetItem takes no more. Source: DynamoDB API reference."""

WRITE_BATCH = 25
"""BatchWriteItem takes no more. Source: DynamoDB API reference."""


@dataclass(frozen=True, slots=True)
class DynamoTable:
    """A table. Safe to use from several threads.

    Reads are strongly consistent, except ``get_soon``. All methods raise ``StoreUnavailable`` when
    the table fails beyond the retries; a write may still have happened.

    Attributes:
        client: A low-level client; several tables may share it.
        backoff: Attempts and waits for failures that the SDK does not retry.
    """

    client: "DynamoDBClient"
    name: str
    backoff: Backoff = field(default_factory=Backoff)

    def get(self, key: "Item") -> "Item | None":
        """Return the item, None if there is none."""
        with translate_errors():
            response = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return response.get("Item")

    def get_soon(self, key: "Item") -> "Item | None":
        """Return the item as it was within about the last second; this costs half of ``get``."""
        with translate_errors():
            return self.client.get_item(TableName=self.name, Key=key).get("Item")

    def get_all(self, wanted: "Sequence[Item]") -> "list[Item | None]":
        """Return the items with these primary keys in the same order, None for a missing item.

        It takes one round trip, unless the table is too busy to return all items at once.

        Args:
            wanted: At most ``READ_BATCH`` different keys.
        """
        found: dict[tuple[str, str], Item] = {}
        left = list(wanted)
        for _ in self.backoff.each_attempt():
            with translate_errors():
                answer = self.client.batch_get_item(
                    RequestItems={self.name: {"Keys": left, "ConsistentRead": True}}
                )
            found |= {_place(item): item for item in answer["Responses"].get(self.name, [])}
            if self.name not in answer.get("UnprocessedKeys", {}):
                return [found.get(_place(key)) for key in wanted]
            left = answer["UnprocessedKeys"][self.name]["Keys"]
        raise StoreUnavailable(f"{len(left)} items not read in {self.backoff.attempts} attempts")

    def query(
        self,
        partition: str,
        *,
        first: str,
        last: str,
        backwards: bool = False,
        page_size: int | None = None,
        only: str | None = None,
    ) -> "Iterator[Item]":
        """Yield the partition's items with sort keys from ``first`` to ``last``, both inclusive.

        Pages are fetched as they are needed; a page ends at ``page_size`` items or at 1 MB.
        ``only`` names the attributes to read, separated by commas; None reads all.
        """
        request: QueryInputTypeDef = {
            "TableName": self.name,
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
            with translate_errors():
                page = self.client.query(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(
        self, item: "Item", *, condition: str | None = None, values: "Item | None" = None
    ) -> None:
        """Write the item; replace a stored one.

        Raises:
            ConditionFailed: ``condition`` does not hold; it has the stored item.
        """
        request: PutItemInputTypeDef = {"TableName": self.name, "Item": item}
        if condition is not None:
            request["ConditionExpression"] = condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if values:
            request["ExpressionAttributeValues"] = values
        write_one(lambda: self.client.put_item(**request), self.backoff)

    def update(
        self,
        key: "Item",
        changes: str,
        values: "Item",
        *,
        condition: str | None,
        names: Mapping[str, str] | None = None,
        returns: "ReturnValueType" = "ALL_NEW",
    ) -> "Item":
        """Change the item's attributes; return the changed item, or what ``returns`` names.

        Raises:
            ConditionFailed: ``condition`` does not hold; it has the stored item.
        """
        request: UpdateItemInputTypeDef = {
            "TableName": self.name,
            "Key": key,
            "UpdateExpression": changes,
            "ReturnValues": returns,
        }
        if condition is not None:
            request["ConditionExpression"] = condition
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if values:
            request["ExpressionAttributeValues"] = values
        if names:
            request["ExpressionAttributeNames"] = names
        response = write_one(lambda: self.client.update_item(**request), self.backoff)
        return response.get("Attributes", {})

    def delete(
        self, key: "Item", *, condition: str | None = None, values: "Item | None" = None
    ) -> "Item":
        """Delete the item if it exists; return the deleted item, empty if there was none.

        Raises:
            ConditionFailed: ``condition`` does not hold.
        """
        request: DeleteItemInputTypeDef = {
            "TableName": self.name,
            "Key": key,
            "ReturnValues": "ALL_OLD",
        }
        if condition is not None:
            request["ConditionExpression"] = condition
        if values:
            request["ExpressionAttributeValues"] = values
        response = write_one(lambda: self.client.delete_item(**request), self.backoff)
        return response.get("Attributes", {})

    def delete_all(self, item_keys: "Sequence[Item]") -> None:
        """Delete 1 to ``WRITE_BATCH`` items by key; missing items are no error.

        Raises:
            StoreUnavailable: The table failed; some items may be deleted.
        """
        left: list[WriteRequestOutputTypeDef] = [
            {"DeleteRequest": {"Key": key}} for key in item_keys
        ]
        for _ in self.backoff.each_attempt():
            with translate_errors():
                answer = self.client.batch_write_item(RequestItems={self.name: left})
            if self.name not in answer["UnprocessedItems"]:
                return
            left = answer["UnprocessedItems"][self.name]
        raise StoreUnavailable("BatchWriteItem left items unprocessed")

    def transact(
        self, writes: "Sequence[TransactWriteItemTypeDef]", *, token: str | None = None
    ) -> None:
        """Carry out all of ``writes`` or none; each names its table, which may be another one.

        See ``retries.transact``.
        """
        transact(self.client, writes, backoff=self.backoff, token=token)


def _place(item: "Item") -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]
