"""Decides which items of MemoryTable have expired; DynamoDB may delete them 48 h late."""

from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.sessions.items import number
from repartee.domain.users.retention import HEADER_MARGIN_S

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item


def expiry_of(item: "Item") -> int | None:
    """Return the epoch second at which the item expires, None for never."""
    return number(item, "expires_at") if "expires_at" in item else None


def is_kept(item: "Item", now_ms: int) -> bool:
    """Return whether the item has not expired."""
    ends_at_s = expiry_of(item)
    return ends_at_s is None or ends_at_s > now_ms // 1_000


def is_header_kept(item: "Item", now_ms: int) -> bool:
    """Return whether a header still shows its conversation.

    An expired header only leads erasures to the remaining items. A tombstone shows nothing.
    """
    return "erased_at_ms" not in item and is_kept(item, now_ms + HEADER_MARGIN_S * 1_000)
