import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import batched
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.expiry import is_kept
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.sessions.items import number, text
from repartee.adapters.dynamodb.table import READ_BATCH, DynamoTable
from repartee.adapters.dynamodb.users.erasure_items import (
    erasure_attributes,
    erasure_from,
    tombstone_key,
)
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.adapters.dynamodb.write_conditions import NOT_ERASED
from repartee.domain.errors import ConversationUnknown, ErasureUnderWay
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.users.erasure import Erasure, ItemKind, OpenConnection, StoredItem, Table
from repartee.domain.users.retention import HEADER_MARGIN_S

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item

# The attributes that an erasure needs of an item.
_KEY_ATTRIBUTES = "pk, sk, session_id, conversation_id, live_session_id"

# See ``expiry.is_header_kept``.
_IS_UNEXPIRED = "(attribute_not_exists(expires_at) OR expires_at > :shown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoErasureStore:
    """Finds a user's items by three partitions of the user, and by the ids that those lead to.

    The items of a single conversation are its own partition and the items of its sessions. The
    tombstone is the profile or the header. Its ``step`` lets only one run continue at a time.
    """

    session_table: DynamoTable
    memory: DynamoTable
    desk: DynamoTable

    def find(self, user_id: str, conversation_id: str | None = None) -> Erasure | None:
        """Return the erasure and its progress, None if there was no request for it."""
        item = self.memory.get(tombstone_key(user_id, conversation_id))
        return erasure_from(user_id, item, conversation_id) if item is not None else None

    def begin(self, user_id: str, *, now_ms: int, conversation_id: str | None = None) -> Erasure:
        """Replace the profile or header by the tombstone, or return the existing tombstone.

        Raises:
            ConversationUnknown: The user has no such conversation.
        """
        erasure = Erasure(user_id, now_ms, conversation_id=conversation_id)
        condition, values = NOT_ERASED, dict[str, Value]()
        if conversation_id is not None:
            condition += f" AND attribute_exists(pk) AND {_IS_UNEXPIRED}"
            values = {":shown": keys.expires_at(now_ms, HEADER_MARGIN_S)}
        item = {**tombstone_key(user_id, conversation_id), **erasure_attributes(erasure)}
        try:
            self.memory.put(item, condition=condition, values=encode_all(values))
        except ConditionFailed as failed:
            stored = failed.item or {}
            found = erasure_from(user_id, stored, conversation_id)
            if conversation_id is None:
                return found or erasure
            if found is None or not is_kept(stored, now_ms):
                raise ConversationUnknown(conversation_id) from None
            return found
        return erasure

    def advance(
        self,
        erasure: Erasure,
        *,
        pending: Sequence[StoredItem] = (),
        settles_at_ms: int | None = None,
        finished_at_ms: int | None = None,
    ) -> Erasure:
        """Store the next step before it is carried out.

        Raises:
            ErasureUnderWay: Another request has continued the erasure.
        """
        finished_at_ms = finished_at_ms or erasure.finished_at_ms
        following = replace(
            erasure,
            step=erasure.step + 1,
            deleted=erasure.counting(pending),
            pending=tuple(pending),
            settles_at_ms=None if finished_at_ms else settles_at_ms or erasure.settles_at_ms,
            finished_at_ms=finished_at_ms,
        )
        # The SDK repeats a write whose answer was lost. The mark shows that the step is this one's.
        mark = secrets.token_hex(8)
        item = {
            **tombstone_key(erasure.user_id, erasure.conversation_id),
            **erasure_attributes(following),
            **encode_all({"mark": mark}),
        }
        try:
            self.memory.put(
                item, condition="step = :seen", values=encode_all({":seen": erasure.step})
            )
        except ConditionFailed as failed:
            if text(failed.item or {}, "mark") != mark:
                raise ErasureUnderWay(erasure.user_id) from None
        return following

    def sessions(self, user_id: str, conversation_id: str | None = None) -> Mapping[str, bool]:
        """Return the sessions by id, and whether ``end_session`` has ended each."""
        return {
            session_id: "is_erased" in state
            for session_id, state in self._states(self._session_ids(user_id, conversation_id))
            if state is not None
        }

    def _states(self, session_ids: Iterable[str]) -> "Iterator[tuple[str, Item | None]]":
        for some in batched(session_ids, READ_BATCH, strict=False):
            states = self.session_table.get_all([keys.state(session_id) for session_id in some])
            yield from zip(some, states, strict=True)

    def _session_ids(self, user_id: str, conversation_id: str | None) -> Collection[str]:
        """Return the sessions that openings, active sessions and conversations lead to."""
        found: dict[str, str | None] = {}
        for item in self._partition("live", keys.user(user_id)):
            sort = item["sk"]["S"]
            if sort.startswith(keys.ACTIVE_PREFIX):
                found.setdefault(sort.removeprefix(keys.ACTIVE_PREFIX))
            elif session_id := text(item, "session_id"):
                found[session_id] = text(item, "conversation_id") or found.get(session_id)
        if conversation_id is None:
            for item in self._partition("memory", keys.user(user_id)):
                if session_id := text(item, "live_session_id"):
                    found[session_id] = None
            return found.keys()
        # An opening of 0.1.0 names no conversation, but its session's state does. If the state has
        # expired, no client can come back to the session, and its remaining items may be deleted
        # with any conversation.
        unknown = [session_id for session_id, of in found.items() if of is None]
        for session_id, state in self._states(unknown):
            found[session_id] = conversation_id if state is None else text(state, "conversation_id")
        return {
            session_id: None for session_id, of in found.items() if of == conversation_id
        }.keys()

    def connections(
        self, user_id: str, conversation_id: str | None = None
    ) -> Sequence[OpenConnection]:
        """Return the openings whose connection still has an item."""
        openings = self._openings(user_id)
        if conversation_id is not None:
            sessions = self._session_ids(user_id, conversation_id)
            openings = [one for one in openings if one.session_id in sessions]
        found = []
        for some in batched(openings, READ_BATCH, strict=False):
            items = self.session_table.get_all(
                [keys.connection(connection.connection_id) for connection in some]
            )
            found += [one for one, item in zip(some, items, strict=True) if item is not None]
        return found

    def _openings(self, user_id: str) -> list[OpenConnection]:
        return [
            OpenConnection(sort.removeprefix(keys.OPENING_PREFIX), item["session_id"]["S"])
            for item in self._partition("live", keys.user(user_id))
            if (sort := item["sk"]["S"]).startswith(keys.OPENING_PREFIX)
        ]

    def end_session(self, session_id: str) -> int | None:
        """End the session and raise its epoch; return the epoch, None without such a session."""
        try:
            state = self.session_table.update(
                keys.state(session_id),
                "SET is_ended = :yes, is_erased = :yes, epoch = epoch + :one",
                encode_all({":yes": True, ":one": 1}),
                condition="attribute_exists(pk)",
            )
        except ConditionFailed:
            return None
        return number(state, "epoch")

    def items(self, user_id: str, conversation_id: str | None = None) -> Iterator[StoredItem]:
        """Yield the items, each after the items that it leads to; never the tombstone."""
        sessions = self._session_ids(user_id, conversation_id)
        yield from self._of_sessions(user_id, sessions)
        for item in self._stored("live", keys.user(user_id)):
            if item.kind is ItemKind.ACTIVE_SESSIONS:
                if item.sort.removeprefix(keys.ACTIVE_PREFIX) in sessions:
                    yield item
            elif conversation_id is None and item.kind is not ItemKind.OPENINGS:
                yield item
        if conversation_id is None:
            yield from self._of_user(user_id)
        else:
            yield from self._stored("memory", keys.conversation(conversation_id))

    def _of_sessions(self, user_id: str, sessions: Collection[str]) -> Iterator[StoredItem]:
        """Yield the items of sessions, each opening right after the items that only it leads to."""
        seen: set[str] = set()
        for connection in self._openings(user_id):
            if connection.session_id not in sessions:
                continue
            yield from self._stored("live", keys.connection_partition(connection.connection_id))
            if connection.session_id not in seen:
                seen.add(connection.session_id)
                yield from self._stored("live", keys.session(connection.session_id))
            yield _stored_item("live", keys.opening(user_id, connection.connection_id))
        for session_id in sessions:
            if session_id not in seen:
                yield from self._stored("live", keys.session(session_id))

    def _of_user(self, user_id: str) -> Iterator[StoredItem]:
        """Yield the user's items in MemoryTable and DeskTable."""
        for item in self._stored("memory", keys.user(user_id)):
            if item.sort == keys.PROFILE_SORT_KEY:
                continue
            if item.kind is ItemKind.CONVERSATIONS:
                conversation_id = item.sort.removeprefix(keys.CONVERSATION_PREFIX)
                yield from self._stored("memory", keys.conversation(conversation_id))
            yield item
        for item in self._stored("desk", keys.user(user_id)):
            slot = keys.booked_slot(item.sort) if item.kind is ItemKind.BOOKINGS else None
            # An interrupted erasure may have deleted and counted the slot already.
            if slot is not None and self._holds(user_id, slot):
                yield _stored_item("desk", keys.slot(slot))
            yield item

    def _holds(self, user_id: str, slot: Slot) -> bool:
        sort = keys.slot_sort(slot)
        found = self.desk.query(keys.desk_day(slot.day), first=sort, last=sort, only="user_id")
        return any(text(item, "user_id") == user_id for item in found)

    def _partition(self, table: Table, partition: str) -> "Iterator[Item]":
        return self._table(table).query(
            partition, first=keys.FIRST_SORT_KEY, last=keys.LAST_SORT_KEY, only=_KEY_ATTRIBUTES
        )

    def _table(self, table: Table) -> DynamoTable:
        return {"live": self.session_table, "memory": self.memory, "desk": self.desk}[table]

    def _stored(self, table: Table, partition: str) -> Iterator[StoredItem]:
        return (_stored_item(table, item) for item in self._partition(table, partition))

    def delete(self, user_id: str, items: Sequence[StoredItem]) -> None:
        """Delete at most 25 items, but no slot that another user has booked since."""
        doomed: dict[Table, list[Item]] = defaultdict(list)
        for item in items:
            key = keys.key(item.partition, item.sort)
            if item.kind is ItemKind.BOOKED_SLOTS:
                self._release_slot(user_id, key)
            else:
                doomed[item.table].append(key)
        for table, found in doomed.items():
            self._table(table).delete_all(found)

    def _release_slot(self, user_id: str, slot: "Item") -> None:
        with suppress(ConditionFailed):
            self.desk.delete(slot, condition="user_id = :me", values=encode_all({":me": user_id}))


def _stored_item(table: Table, item: "Item") -> StoredItem:
    partition, sort = item["pk"]["S"], item["sk"]["S"]
    return StoredItem(keys.kind_of(partition, sort), table, partition, sort)
