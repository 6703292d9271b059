"""Encodes Python values as DynamoDB's typed attribute values."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

type Value = str | int | bool | bytes | Decimal | list["Value"] | dict[str, "Value"] | None


def encode(value: Value) -> "AttributeValueTypeDef":
    """Return ``value`` as an attribute value; numbers keep every digit."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case list():
            return {"L": [encode(part) for part in value]}
        case dict():
            return {"M": {name: encode(part) for name, part in value.items()}}


def encode_all(values: Mapping[str, Value]) -> "dict[str, AttributeValueTypeDef]":
    """Return an item's attributes, without values that are None."""
    return {name: encode(value) for name, value in values.items() if value is not None}
