import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.erasure_items import erasure_attributes, erasure_from
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.session_items import number, text
from repartee.adapters.dynamodb.table import READ_BATCH, DynamoTable
from repartee.adapters.dynamodb.tombstone import NOT_ERASED
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.erasure import Erasure, ItemKind, OpenConnection, StoredItem, Table
from repartee.domain.errors import ErasureUnderWay

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item

# All that an erasure wants to know of an item.
_PLACES = "pk, sk, session_id, live_session_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoErasureStore:
    """Finds a user's items by three partitions of the user, and by the ids that those lead to.

    The tombstone is the profile; its ``step`` lets one run go on at a time.
    """

    live: DynamoTable
    memory: DynamoTable
    desk: DynamoTable

    def find(self, user_id: str) -> Erasure | None:
        """Return how far the user's erasure is, None when they never asked for one."""
        item = self.memory.get(keys.profile(user_id))
        return erasure_from(user_id, item) if item is not None else None

    def begin(self, user_id: str, *, now_ms: int) -> Erasure:
        """Set the tombstone in the place of the preferences, or return the one that is there."""
        erasure = Erasure(user_id, now_ms)
        try:
            self.memory.put(
                {**keys.profile(user_id), **erasure_attributes(erasure)}, condition=NOT_ERASED
            )
        except ConditionFailed as failed:
            return erasure_from(user_id, failed.item or {}) or erasure
        return erasure

    def advance(
        self,
        erasure: Erasure,
        *,
        pending: Sequence[StoredItem] = (),
        settles_at_ms: int | None = None,
        finished_at_ms: int | None = None,
    ) -> Erasure:
        """Write down what comes next before it is done.

        Raises:
            ErasureUnderWay: The tombstone has moved on.
        """
        finished_at_ms = finished_at_ms or erasure.finished_at_ms
        following = Erasure(
            erasure.user_id,
            erasure.erased_at_ms,
            erasure.step + 1,
            erasure.counting(pending),
            tuple(pending),
            None if finished_at_ms else settles_at_ms or erasure.settles_at_ms,
            finished_at_ms,
        )
        # The SDK repeats a write whose answer was lost: then the step is ours, and so is the mark.
        mark = secrets.token_hex(8)
        item = {
            **keys.profile(erasure.user_id),
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

    def sessions(self, user_id: str) -> Mapping[str, bool]:
        """Return the user's sessions by id, and whether ``end_session`` has ended each."""
        found: dict[str, bool] = {}
        for some in batched(self._session_ids(user_id), READ_BATCH, strict=False):
            states = self.live.get_all([keys.state(session_id) for session_id in some])
            for session_id, state in zip(some, states, strict=True):
                if state is not None:
                    found[session_id] = "is_erased" in state
        return found

    def _session_ids(self, user_id: str) -> Sequence[str]:
        """Return the sessions that openings, active sessions and conversations lead to."""
        found: dict[str, None] = {}
        for item in self._partition("live", keys.user(user_id)):
            sort = item["sk"]["S"]
            if sort.startswith(keys.ACTIVE_PREFIX):
                found[sort.removeprefix(keys.ACTIVE_PREFIX)] = None
            elif session_id := text(item, "session_id"):
                found[session_id] = None
        for item in self._partition("memory", keys.user(user_id)):
            if session_id := text(item, "live_session_id"):
                found[session_id] = None
        return list(found)

    def connections(self, user_id: str) -> Sequence[OpenConnection]:
        """Return the openings whose connection has an item still."""
        found = []
        for some in batched(self._openings(user_id), READ_BATCH, strict=False):
            items = self.live.get_all(
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
            state = self.live.update(
                keys.state(session_id),
                "SET is_ended = :yes, is_erased = :yes, epoch = epoch + :one",
                encode_all({":yes": True, ":one": 1}),
                condition="attribute_exists(pk)",
            )
        except ConditionFailed:
            return None
        return number(state, "epoch")

    def items(self, user_id: str) -> Iterator[StoredItem]:
        """Yield the user's items, those that lead to others after them; never the tombstone."""
        seen: set[str] = set()
        for connection in self._openings(user_id):
            yield from self._stored("live", keys.connection_partition(connection.connection_id))
            if connection.session_id not in seen:
                seen.add(connection.session_id)
                yield from self._stored("live", keys.session(connection.session_id))
            yield _stored_item("live", keys.opening(user_id, connection.connection_id))
        for session_id in self._session_ids(user_id):
            if session_id not in seen:
                yield from self._stored("live", keys.session(session_id))
        for item in self._stored("live", keys.user(user_id)):
            if item.kind is not ItemKind.OPENINGS:
                yield item
        for item in self._stored("memory", keys.user(user_id)):
            if item.sort == keys.PROFILE_SORT_KEY:
                continue
            if item.kind is ItemKind.CONVERSATIONS:
                conversation_id = item.sort.removeprefix(keys.CONVERSATION_PREFIX)
                yield from self._stored("memory", keys.conversation(conversation_id))
            yield item
        for item in self._stored("desk", keys.user(user_id)):
            if item.kind is ItemKind.BOOKINGS and (slot := keys.booked_slot(item.sort)):
                yield _stored_item("desk", keys.slot(slot))
            yield item

    def _partition(self, table: Table, partition: str) -> "Iterator[Item]":
        return self._table(table).query(
            partition, first=keys.FIRST_SORT_KEY, last=keys.LAST_SORT_KEY, only=_PLACES
        )

    def _table(self, table: Table) -> DynamoTable:
        return {"live": self.live, "memory": self.memory, "desk": self.desk}[table]

    def _stored(self, table: Table, partition: str) -> Iterator[StoredItem]:
        return (_stored_item(table, item) for item in self._partition(table, partition))

    def delete(self, user_id: str, items: Sequence[StoredItem]) -> None:
        """Delete at most 25 items; a slot that another user has booked by now is spared."""
        doomed: dict[Table, list[Item]] = defaultdict(list)
        for item in items:
            key = keys.key(item.partition, item.sort)
            if item.kind is ItemKind.BOOKED_SLOTS:
                self._give_back(user_id, key)
            else:
                doomed[item.table].append(key)
        for table, found in doomed.items():
            self._table(table).delete_all(found)

    def _give_back(self, user_id: str, slot: "Item") -> None:
        with suppress(ConditionFailed):
            self.desk.delete(slot, condition="user_id = :me", values=encode_all({":me": user_id}))


def _stored_item(table: Table, item: "Item") -> StoredItem:
    partition, sort = item["pk"]["S"], item["sk"]["S"]
    return StoredItem(keys.kind_of(partition, sort), table, partition, sort)
