"""What it takes to forget a user or a conversation: the kinds of items, and how far it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

type Table = Literal["memory", "live", "desk"]


class ItemKind(StrEnum):
    """Every kind of item that belongs to one user, by the name that counts are given under.

    The profile is not among them: it becomes the tombstone. So does the header of a conversation
    that is erased by itself.
    """

    CONVERSATIONS = "conversations"
    TURNS = "turns"
    CALLS = "calls"
    SUMMARIES = "summaries"
    USAGE_DAYS = "usage_days"
    NOTES = "notes"
    BOOKINGS = "bookings"
    BOOKED_SLOTS = "booked_slots"
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
        """Count kinds that only a later version knows among the others."""
        return cls.OTHERS


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One item of a user, by its kind and its place."""

    kind: ItemKind
    table: Table
    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """How far an erasure is; its tombstone keeps it, so that any process can go on.

    Attributes:
        erased_at_ms: Since then nothing is written for this user, or in this conversation.
        step: Raised by each write to the tombstone; whoever brings an older one has been overtaken.
        deleted: How many items were deleted in all, by kind.
        pending: Items that are counted already and may not be deleted yet.
        settles_at_ms: Before then a function that was stopped half-way may have left something;
            None when no session was found.
        finished_at_ms: When nothing was found any more; None until then.
        conversation_id: The one conversation of the user's that is erased; None for all there is.
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
        """Return ``deleted`` as it is once ``items`` are gone."""
        return Counter(self.deleted) + Counter(item.kind for item in items)


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """A connection that may still be open."""

    connection_id: str
    session_id: str
