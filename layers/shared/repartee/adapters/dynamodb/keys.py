"""Makes the keys and lifetimes of all items; no other module spells a key.

MemoryTable keeps its items until they are erased, or for the time in ``domain/users/retention.py``.
These items and those of LiveTable have ``expires_at`` in epoch seconds. DynamoDB may delete them up
to 48 h late, so readers check it where that matters.
"""

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from repartee.domain.front_desk.bookings import Slot
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.domain.users.erasure import ItemKind

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    type Item = dict[str, AttributeValueTypeDef]

_HOUR_S = 3_600

# A worker lives for at most 15 min, Lambda's limit, and is queued for at most 60 s.
STATE_LIFETIME_S = 24 * _HOUR_S
# A wake is valid for seconds only.
WAKE_LIFETIME_S = _HOUR_S
# Input that no worker has read for an hour belongs to a session that is over.
MAILBOX_LIFETIME_S = _HOUR_S
# API Gateway closes a connection after 2 h. The 15 min are for inexact clocks and late clean-ups.
CONNECTION_LIFETIME_S = 2 * _HOUR_S + 900
# A session without a new connection for that long has no open connection either.
ACTIVE_SESSION_LIFETIME_S = CONNECTION_LIFETIME_S
# An erasure finds a user's sessions by their openings, so these must outlive the states: 24 h, a
# connection's 2 h, the 48 h by which DynamoDB may be late, and a reserve.
OPENING_LIFETIME_S = 7 * 24 * _HOUR_S
# The spent mark outlives its ticket by this time, which exceeds any difference of clocks.
TICKET_MARGIN_S = _HOUR_S

TURN_PREFIX = "turn#"
CALL_PREFIX = "call#"
CALLS_END = "call#~"
SUMMARY_SORT_KEY = "summary"
NOTE_PREFIX = "note#"
CONVERSATION_PREFIX = "conv#"
CONVERSATIONS_END = "conv#~"
USAGE_PREFIX = "usage#"
USAGE_END = "usage#~"
ACTIVE_PREFIX = "session#"
GUARD_SORT_KEY = "sessions"
OPENING_PREFIX = "opening#"
PROFILE_SORT_KEY = "profile"
SLOT_PREFIX = "slot#"
SLOTS_END = "slot#~"
BOOKING_PREFIX = "booking#"
BOOKINGS_END = "booking#~"
TOOL_RECORD_PREFIX = "tool#"
TOOL_RECORDS_END = "tool#~"
# "in#<12 digits>" sorts before "in#~<ulid>". "in#~ack" is the only acknowledgement.
_MAILBOX_PREFIX = "in#"
NOTICE_PREFIX = "in#~"
ACK_SORT_KEY = "in#~ack"
MAILBOX_END = "in#~~"
# Every sort key is between these two.
FIRST_SORT_KEY = " "
LAST_SORT_KEY = "~"
# The largest number that a turn's key holds.
MAX_TURN = 99_999_999


# Functions read the switch and write the spending, so each has a partition: policies tell them
# apart by ``dynamodb:LeadingKeys``.
CALL_SWITCH = "deployment#switch"
SERVICE_SPENDING = "deployment#spending"

# The kind of an item, by the prefixes of its partition and its sort key. Erasures use this table.
_KINDS = (
    ("user#", CONVERSATION_PREFIX, ItemKind.CONVERSATIONS),
    ("user#", USAGE_PREFIX, ItemKind.USAGE_DAYS),
    ("user#", NOTE_PREFIX, ItemKind.NOTES),
    ("user#", OPENING_PREFIX, ItemKind.OPENINGS),
    ("user#", ACTIVE_PREFIX, ItemKind.ACTIVE_SESSIONS),
    ("user#", GUARD_SORT_KEY, ItemKind.SESSION_GUARDS),
    ("user#", BOOKING_PREFIX, ItemKind.BOOKINGS),
    ("user#", TOOL_RECORD_PREFIX, ItemKind.TOOL_RECORDS),
    ("conv#", TURN_PREFIX, ItemKind.TURNS),
    ("conv#", CALL_PREFIX, ItemKind.CALLS),
    ("conv#", SUMMARY_SORT_KEY, ItemKind.SUMMARIES),
    ("session#", "state", ItemKind.SESSIONS),
    ("session#", "wake", ItemKind.WAKES),
    ("session#", _MAILBOX_PREFIX, ItemKind.MAILBOX_ENTRIES),
    ("conn#", "meta", ItemKind.CONNECTIONS),
    ("day#", SLOT_PREFIX, ItemKind.BOOKED_SLOTS),
)


def kind_of(partition: str, sort: str) -> ItemKind:
    """Return the kind of the item at this place."""
    for partition_prefix, sort_prefix, kind in _KINDS:
        if partition.startswith(partition_prefix) and sort.startswith(sort_prefix):
            return kind
    return ItemKind.OTHERS


def call_switch() -> "Item":
    """Return the key of the item that exists while calls are stopped."""
    return key(CALL_SWITCH, "calls")


def service_spending_sort(day: date, shard: int) -> str:
    """Return the sort key of one of a UTC day's counters of all users' costs."""
    return f"{day:%Y-%m-%d}#{shard}"


def service_spending(day: date, shard: int) -> "Item":
    """Return the key of one of a UTC day's counters of all users' costs."""
    return key(SERVICE_SPENDING, service_spending_sort(day, shard))


def key(partition: str, sort: str) -> "Item":
    """Return the primary key of an item of any table."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def expires_at(now_ms: int, lifetime_s: int) -> int:
    """Return the epoch second at which an item written at ``now_ms`` expires."""
    return now_ms // 1000 + lifetime_s


def session(session_id: str) -> str:
    """Return the partition of a session's state, wake and mailbox."""
    return f"session#{session_id}"


def state(session_id: str) -> "Item":
    """Return the key of a session's state."""
    return key(session(session_id), "state")


def wake(session_id: str) -> "Item":
    """Return the key of a session's wake."""
    return key(session(session_id), "wake")


def message_sort(seq: int) -> str:
    """Return the sort key of the client's message number ``seq``."""
    return f"{_MAILBOX_PREFIX}{seq:012d}"


def connection_partition(connection_id: str) -> str:
    """Return the partition of a connection, which is its one item."""
    return f"conn#{connection_id}"


def connection(connection_id: str) -> "Item":
    """Return the key of a connection."""
    return key(connection_partition(connection_id), "meta")


def ticket(ticket_id: str) -> "Item":
    """Return the key of a ticket's spent mark."""
    return key(f"ticket#{ticket_id}", "spent")


def user(user_id: str) -> str:
    """Return the partition of a user, in either table."""
    return f"user#{user_id}"


def active_session(user_id: str, session_id: str) -> "Item":
    """Return the key of a session among its user's active ones."""
    return key(user(user_id), f"{ACTIVE_PREFIX}{session_id}")


def opening(user_id: str, connection_id: str) -> "Item":
    """Return the key of an opening, by which an erasure finds the connection and its session."""
    return key(user(user_id), f"{OPENING_PREFIX}{connection_id}")


def active_guard(user_id: str) -> "Item":
    """Return the key of the item that serialises changes to a user's active sessions."""
    return key(user(user_id), GUARD_SORT_KEY)


def profile(user_id: str) -> "Item":
    """Return the key of a user's preferences and tombstone."""
    return key(user(user_id), PROFILE_SORT_KEY)


def note(user_id: str, note_id: str) -> "Item":
    """Return the key of one of a user's notes."""
    return key(user(user_id), f"{NOTE_PREFIX}{note_id}")


def tool_record(user_id: str, kind: str, record_id: str) -> "Item":
    """Return the key of a tool's record of a user."""
    return key(user(user_id), f"{TOOL_RECORD_PREFIX}{kind}#{record_id}")


def tool_records_of(kind: str) -> tuple[str, str]:
    """Return the bounds of the sort keys of this kind's records."""
    # "$" follows "#", so every id is between the two.
    return f"{TOOL_RECORD_PREFIX}{kind}#", f"{TOOL_RECORD_PREFIX}{kind}$"


def kind_and_record_id(sort: str) -> tuple[str, str]:
    """Return the kind and the id in the sort key of a tool's record."""
    kind, _, record_id = sort.removeprefix(TOOL_RECORD_PREFIX).partition("#")
    return kind, record_id


def usage(user_id: str, day: str) -> "Item":
    """Return the key of a user's counters for a UTC day, ``YYYY-MM-DD``."""
    return key(user(user_id), f"{USAGE_PREFIX}{day}")


def header(user_id: str, conversation_id: str) -> "Item":
    """Return the key of a conversation's header; its place under the user proves ownership."""
    return key(user(user_id), f"{CONVERSATION_PREFIX}{conversation_id}")


def conversation(conversation_id: str) -> str:
    """Return the partition of a conversation's turns and calls."""
    return f"conv#{conversation_id}"


def summary(conversation_id: str) -> "Item":
    """Return the key of a conversation's summary; a separate item keeps commits of turns cheap."""
    return key(conversation(conversation_id), SUMMARY_SORT_KEY)


def turn_sort(number: int) -> str:
    """Return the sort key of a turn."""
    return f"{TURN_PREFIX}{number:08d}"


def turn(conversation_id: str, number: int) -> "Item":
    """Return the key of a turn."""
    return key(conversation(conversation_id), turn_sort(number))


def call(conversation_id: str, call_key: ToolCallKey) -> "Item":
    """Return the key of a call; the index is padded, so that calls sort by their place."""
    return key(conversation(conversation_id), _call_sort(call_key))


def replaced_call(conversation_id: str, call_key: ToolCallKey, arguments_hash: str) -> "Item":
    """Return the key of an exchange whose place was taken by another question of a replayed turn.

    16 digits of the hash distinguish the few questions of one place.
    """
    sort = f"{_call_sort(call_key)}/{arguments_hash[:16]}"
    return key(conversation(conversation_id), sort)


def calls_of_turn(turn: int) -> tuple[str, str]:
    """Return the first and the last sort key that a call of a turn may have."""
    return f"{CALL_PREFIX}{turn:08d}/", f"{CALL_PREFIX}{turn:08d}/~"


def _call_sort(call_key: ToolCallKey) -> str:
    return f"{CALL_PREFIX}{call_key.turn:08d}/{call_key.index:04d}"


def desk_hours() -> "Item":
    """Return the key of the front desk's rules."""
    return key("desk", "hours")


def desk_day(day: date) -> str:
    """Return the partition of a day's booked slots."""
    return f"day#{day:%Y-%m-%d}"


def slot_sort(slot: Slot) -> str:
    """Return the sort key of a slot."""
    return f"{SLOT_PREFIX}{slot.start:%H:%M}"


def slot_of_day(day: date, sort: str) -> Slot | None:
    """Return the slot that the sort key of a booked slot names, None for a key that names none."""
    try:
        return Slot(day, time.fromisoformat(sort.removeprefix(SLOT_PREFIX)))
    except ValueError:
        return None


def slot(booked: Slot) -> "Item":
    """Return the key of a booked slot; there is one item per slot, so no two users hold it."""
    return key(desk_day(booked.day), slot_sort(booked))


def booking(user_id: str, booked: Slot) -> "Item":
    """Return the key of the same booking under its user."""
    return key(user(user_id), booking_sort(booked))


def booking_sort(booked: Slot) -> str:
    """Return the sort key of a booking among its user's bookings; it sorts by time."""
    return f"{BOOKING_PREFIX}{booked.day:%Y-%m-%d}T{booked.start:%H:%M}"


def booked_slot(sort: str) -> Slot | None:
    """Return the slot that a booking's sort key names, None for a key that names none."""
    try:
        moment = datetime.fromisoformat(sort.removeprefix(BOOKING_PREFIX))
    except ValueError:
        return None
    return Slot(moment.date(), moment.time())
