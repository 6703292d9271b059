"""Converts the tombstone to a domain value and back."""

from collections import Counter
from typing import TYPE_CHECKING, cast

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.sessions.items import number
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.domain.users.erasure import Erasure, ItemKind, StoredItem, Table
from repartee.domain.users.retention import HEADER_MARGIN_S

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from repartee.adapters.dynamodb.keys import Item


def tombstone_key(user_id: str, conversation_id: str | None) -> "Item":
    """Return the tombstone's key, which is that of the profile or of the conversation's header."""
    if conversation_id is None:
        return keys.profile(user_id)
    return keys.header(user_id, conversation_id)


def erasure_attributes(erasure: Erasure) -> "Item":
    """Return the attributes of a tombstone, without its key."""
    header: dict[str, Value] = {}
    if erasure.conversation_id is not None:
        finished_at_ms = erasure.finished_at_ms
        header = {
            # 0.1.0 reads these four in every header. The retention command reads the last two.
            "turn_count": 0,
            "created_at_ms": erasure.erased_at_ms,
            "updated_at_ms": erasure.erased_at_ms,
            "version": erasure.step,
            # Every version treats a header in its margin as expired.
            "expires_at": None
            if finished_at_ms is None
            else keys.expires_at(finished_at_ms, HEADER_MARGIN_S),
        }
    return encode_all(
        {
            **header,
            "erased_at_ms": erasure.erased_at_ms,
            "step": erasure.step,
            "deleted": {kind.value: count for kind, count in erasure.deleted.items()},
            # Absent after the last step, because it names sessions and conversations.
            "pending": [
                {
                    "kind": item.kind.value,
                    "table": item.table,
                    "partition": item.partition,
                    "sort": item.sort,
                }
                for item in erasure.pending
            ]
            or None,
            "settles_at_ms": erasure.settles_at_ms,
            "finished_at_ms": erasure.finished_at_ms,
        }
    )


def _pending(value: "AttributeValueTypeDef") -> StoredItem:
    item = value["M"]
    return StoredItem(
        ItemKind(item["kind"]["S"]),
        cast("Table", item["table"]["S"]),
        item["partition"]["S"],
        item["sort"]["S"],
    )


def _moment(item: "Item", name: str) -> int | None:
    return number(item, name) if name in item else None


def erasure_from(user_id: str, item: "Item", conversation_id: str | None = None) -> Erasure | None:
    """Return the erasure in a profile or a header, None if the item is not a tombstone."""
    if "erased_at_ms" not in item:
        return None
    deleted = Counter[ItemKind]()
    for kind, count in item["deleted"]["M"].items() if "deleted" in item else ():
        deleted[ItemKind(kind)] += int(count["N"])
    return Erasure(
        user_id,
        number(item, "erased_at_ms"),
        number(item, "step") if "step" in item else 0,
        deleted,
        tuple(_pending(pending) for pending in item["pending"]["L"]) if "pending" in item else (),
        _moment(item, "settles_at_ms"),
        _moment(item, "finished_at_ms"),
        conversation_id,
    )
