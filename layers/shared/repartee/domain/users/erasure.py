"""Erasure of a user or a conversation: the kinds of items, and the progress."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

type Table = Literal["memory", "live", "desk"]


class ItemKind(StrEnum):
    """Kinds of items that belong to one user, named as in the counts of an erasure.

    The profile is not among them, because it becomes the tombstone. When a single conversation is
    erased, its header becomes the tombstone.
    """

    CONVERSATIONS = "conversations"
    TURNS = "turns"
    CALLS = "calls"
    SUMMARIES = "summaries"
    USAGE_DAYS = "usage_days"
    NOTES = "notes"
    BOOKINGS = "bookings"
    BOOKED_SLOTS = "booked_slots"
    TOOL_RECORDS = "tool_records"
    CONNECTIONS = "connections"
    OPENINGS = "openings"
    SESSIONS = "sessions"
    ACTIVE_SESSIONS = "active_sessions"
    SESSION_GUARDS = "session_guards"
    WAKES = "wakes"
    MAILBOX_ENTRIES = "mailbox_entries"
    OTHERS = "others"

    @classmethod
    def _missing_(cls, _value: object) -> "ItemKind":
        """Return ``OTHERS`` for a kind that only a later version knows."""
        return cls.OTHERS


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item of a user: its kind, table and key."""

    kind: ItemKind
    table: Table
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """Progress of an erasure. The tombstone stores it, so that any process can continue.

    Attributes:
        erased_at_ms: Time from which nothing is written for this user or conversation.
        step: Incremented by each write to the tombstone; a writer with an older step has been
            overtaken.
        deleted: Number of deleted items by kind.
        pending: Items that are counted as deleted, although their deletion may be incomplete.
        settles_at_ms: Until then a function that was stopped half-way may leave items behind; None
            if no session was found.
        finished_at_ms: When no more items were found; None until then.
        conversation_id: The conversation to erase; None to erase the whole user.
    """

    user_id: str
    erased_at_ms: int
    step: int = 0
    deleted: Mapping[ItemKind, int] = field(default_factory=dict)
    pending: tuple[StoredItem, ...] = ()
    settles_at_ms: int | None = None
    finished_at_ms: int | None = None
    conversation_id: str | None = None

    def counting(self, items: Sequence[StoredItem]) -> Mapping[ItemKind, int]:
        """Return ``deleted`` increased by ``items``."""
        return Counter(self.deleted) + Counter(item.kind for item in items)


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """A connection that may still be open."""

    connection_id: str
    session_id: str
