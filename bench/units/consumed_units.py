"""Counts the units of DynamoDB calls. The module needs only the standard library.

DynamoDB Local reports correct units for queries and for calls with one item. For transactions it
adds up the items of a table before it rounds, and for batches it leaves out missing items; AWS
rounds each item separately and bills missing ones. This module therefore computes the units of
transactions and batches from the sizes of the items, by AWS's documented rule.
"""

import base64
import math
from collections.abc import Iterator, Mapping
from typing import Any

_REPORTED_READS = frozenset({"GetItem", "Query", "Scan"})
_REPORTED_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
_CALCULATED = frozenset({"BatchGetItem", "TransactWriteItems"})
_READ_UNIT_BYTES = 4 * 1024
_WRITE_UNIT_BYTES = 1024


def item_bytes(item: Mapping[str, Any]) -> int:
    """Return the billed size of an item.

    Source: DynamoDB developer guide, "Item sizes and formats"; a number takes one byte for every
    two digits, and one more.
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            # Text on the wire, bytes in the SDK.
            return len(base64.b64decode(content) if isinstance(content, str) else content)
        case "N":
            return math.ceil(sum(map(str.isdigit, content)) / 2) + 1
        case "L":
            return 3 + sum(1 + _value_bytes(part) for part in content)
        case "M":
            return 3 + sum(
                1 + len(name.encode()) + _value_bytes(part) for name, part in content.items()
            )
        case _:
            return 1


def reported_units(answer: Mapping[str, Any]) -> float:
    """Return the units that an answer reports."""
    reported = answer.get("ConsumedCapacity", [])
    parts = reported if isinstance(reported, list) else [reported]
    return sum(float(part.get("CapacityUnits", 0)) for part in parts)


def batch_read_units(parameters: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    """Return the read units of a BatchGetItem; a missing item counts as a small one."""
    units = 0.0
    for table, wanted in parameters["RequestItems"].items():
        share = 1.0 if wanted.get("ConsistentRead") else 0.5
        found = answer["Responses"].get(table, [])
        sizes = [math.ceil(item_bytes(item) / _READ_UNIT_BYTES) for item in found]
        units += share * (sum(max(1, size) for size in sizes) + len(wanted["Keys"]) - len(found))
    return units


def transaction_items(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield table and key of each item of a TransactWriteItems; keys are ``pk`` and ``sk``."""
    for action in parameters["TransactItems"]:
        (write,) = action.values()
        key = write.get("Key") or {name: write["Item"][name] for name in ("pk", "sk")}
        yield write["TableName"], key


def transaction_item_units(item: Mapping[str, Any]) -> int:
    """Return the write units of one item of a transaction, given its new value."""
    return 2 * max(1, math.ceil(item_bytes(item) / _WRITE_UNIT_BYTES))


class ConsumedUnits:
    """Counts the read units, write units and calls of a client from its creation on.

    Tables that are written in transactions have the primary key ``pk`` and ``sk``.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._reads = 0.0
        self._writes = 0.0
        self._calls = 0
        self._is_counting = True
        self._parameters: dict[str, Any] = {}
        self._transacted: list[dict[str, Any]] = []
        for operation in _REPORTED_READS | _REPORTED_WRITES | _CALCULATED:
            client.meta.events.register(
                f"before-parameter-build.dynamodb.{operation}", self._before
            )
            client.meta.events.register(f"after-call.dynamodb.{operation}", self._after)

    def take(self) -> tuple[float, float, int]:
        """Return read units, write units and calls since the last call, and reset them."""
        self._is_counting = False
        for request in self._transacted:
            for table, key in transaction_items(request):
                answer = self._client.get_item(TableName=table, Key=key, ConsistentRead=True)
                self._writes += transaction_item_units(answer.get("Item", {}))
        taken = self._reads, self._writes, self._calls
        self._reads, self._writes, self._calls = 0.0, 0.0, 0
        self._transacted.clear()
        self._is_counting = True
        return taken

    def _before(self, params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"
        self._parameters = params

    def _after(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if not self._is_counting:
            return
        self._calls += 1
        if model.name == "TransactWriteItems":
            # The new items are read later, outside the measured time.
            self._transacted.append(self._parameters)
        elif model.name == "BatchGetItem":
            self._reads += batch_read_units(self._parameters, parsed)
        elif model.name in _REPORTED_READS:
            self._reads += reported_units(parsed)
        else:
            self._writes += reported_units(parsed)
