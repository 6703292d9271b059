"""Measures items as DynamoDB does, and refuses those near its limit."""

from typing import TYPE_CHECKING

from repartee.domain.errors import ItemTooLarge

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from repartee.adapters.dynamodb.keys import Item

# DynamoDB refuses items above 400 KB. The difference is room for attributes of later updates.
MAX_ITEM_BYTES = 300 * 1024
# Source: DynamoDB developer guide, "Item sizes and formats": 3 bytes for a list or a map and 1 for
# each element, at most 21 for a number.
_CONTAINER_BYTES = 3
_NUMBER_BYTES = 21


def size_bytes(value: "AttributeValueTypeDef") -> int:
    """Return the size of a value; every number counts as one of the longest."""
    match value:
        case {"S": str(text)}:
            return len(text.encode())
        case {"B": bytes(data)}:
            return len(data)
        case {"N": _}:
            return _NUMBER_BYTES
        case {"L": list(parts)}:
            return _CONTAINER_BYTES + sum(1 + size_bytes(part) for part in parts)
        case {"M": dict(parts)}:
            return _CONTAINER_BYTES + sum(
                1 + len(name.encode()) + size_bytes(part) for name, part in parts.items()
            )
        case _:
            return 1


def check_size(item: "Item") -> None:
    """Return if the item is small enough to be written.

    Raises:
        ItemTooLarge: The item is larger than ``MAX_ITEM_BYTES``; names its largest attribute.
    """
    sizes = {name: len(name.encode()) + size_bytes(value) for name, value in item.items()}
    total = sum(sizes.values())
    if total > MAX_ITEM_BYTES:
        raise ItemTooLarge(max(sizes, key=sizes.__getitem__), total, MAX_ITEM_BYTES)
