"""All that the functions read in their tables, as plain JSON."""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any

from repartee.domain.cost.limits import utc_day
from repartee.domain.tools.core_calls import ToolCallKey
from tests.contract.stores import DESK_DAY, Stores
from tests.exchanges import stored_exchange
from tests.fakes.clock import NOON_MS

USERS = ("ann", "ben", "cem", "kim", "limited")
SESSIONS = ("new", "served", "released", "ended", "erased", "kept", "unknown")
CONVERSATIONS = (("ann", "talk"), ("ann", "released"), ("kim", "kept"))


def read_all(stores: Stores) -> dict[str, Any]:
    """Return what each reader finds, by a name for what was asked."""
    found: dict[str, object] = {}
    for session in SESSIONS:
        found[f"state of {session}"] = stores.sessions.load(session)
    found["mailbox"] = stores.mailbox.read_after("served", 20)
    for user in USERS:
        for name, read in _OF_USER.items():
            found[f"{name} of {user}"] = read(stores, user)
    for user, conversation in CONVERSATIONS:
        named = f"of {user}'s {conversation}"
        found[f"memory {named}"] = stores.reader.load_memory(
            user, conversation, max_characters=10_000
        )
        found[f"header {named}"] = stores.reader.load_header(user, conversation)
        found[f"turns {named}"] = stores.reader.list_turns(user, conversation, after=0, limit=9)
        found[f"exchanges {named}"] = stores.calls.recent(conversation, limit=9)
        found[f"entries {named}"] = stores.records.entries(conversation)
    # No version before 0.2.0 has one.
    if (erasure := stores.erasures.find("ann", "forgotten")) is not None:
        found["erasure of ann's forgotten"] = erasure
    found["answer"] = stored_exchange(stores.calls, "talk", ToolCallKey(1, 1))
    for turn in (1, 3):
        found[f"attempts of turn {turn}"] = stores.calls.attempts("talk", turn)
    found["opening hours"] = stores.desk.rules().on(DESK_DAY)
    morning = datetime.combine(DESK_DAY, time(0), UTC)
    found["free slots"] = stores.desk.free_slots(DESK_DAY, now=morning)
    return {name: plain(value) for name, value in found.items()}


_OF_USER: Mapping[str, Callable[[Stores, str], object]] = {
    "profile": lambda stores, user: stores.profiles.load(user),
    "notes": lambda stores, user: stores.notes.newest(user, limit=9),
    "day": lambda stores, user: stores.usage.of_day(user, utc_day(NOON_MS)),
    "days": lambda stores, user: stores.usage.days(user, limit=9),
    "active sessions": lambda stores, user: frozenset(
        stores.connections.active_sessions(user, now_ms=NOON_MS)
    ),
    "conversations": lambda stores, user: stores.reader.list_conversations(user, limit=9),
    "erasure": lambda stores, user: stores.erasures.find(user),
    "sessions": lambda stores, user: stores.erasures.sessions(user),
    "connections": lambda stores, user: stores.erasures.connections(user),
    "items": lambda stores, user: stores.erasures.items(user),
    "records": lambda stores, user: stores.records.conversations(user),
    "bookings": lambda stores, user: stores.desk.bookings(user),
}


def plain(value: object) -> Any:
    """Return ``value`` as JSON: dataclasses by the names of their fields and their class."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case bytes():
            return value.hex()
        case Decimal() | date() | time():
            return str(value)
        case Mapping():
            return {str(plain(key)): plain(one) for key, one in value.items()}
        case frozenset():
            return sorted(plain(one) for one in value)
        case _ if is_dataclass(value):
            named = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
            return {"class": type(value).__name__, **named}
        case _:
            return [plain(one) for one in value]  # type: ignore[attr-defined]  # sequences, iterators
