from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from repartee.domain.errors import ConversationUnknown, ErasureUnderWay
from repartee.domain.users.erasure import Erasure, ItemKind, OpenConnection, StoredItem
from repartee.domain.users.preferences import Profile
from repartee.domain.users.retention import HEADER_MARGIN_S
from tests.fakes.tables import FakeTables


class FakeErasureStore:
    """Erases from the fakes' shared tables, without the bookings of a desk."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def find(self, user_id: str, conversation_id: str | None = None) -> Erasure | None:
        with self._tables.lock:
            found = self._tables.erasures.get((user_id, conversation_id))
            if found is not None or conversation_id is not None:
                return found
            profile = self._tables.profiles.get(user_id)
            if profile is None or profile.erased_at_ms is None:
                return None
            return Erasure(user_id, profile.erased_at_ms)

    def begin(self, user_id: str, *, now_ms: int, conversation_id: str | None = None) -> Erasure:
        with self._tables.lock:
            if conversation_id is not None:
                return self._begin(user_id, conversation_id, now_ms)
            erasure = self.find(user_id) or Erasure(user_id, now_ms)
            self._tables.erasures[user_id, None] = erasure
            self._tables.profiles[user_id] = Profile(user_id, erased_at_ms=erasure.erased_at_ms)
            return erasure

    def _begin(self, user_id: str, conversation_id: str, now_ms: int) -> Erasure:
        place = user_id, conversation_id
        found = self._tables.erasures.get(place)
        if found is not None:
            finished_at_ms = found.finished_at_ms
            if finished_at_ms is None or now_ms < finished_at_ms + HEADER_MARGIN_S * 1_000:
                return found
            raise ConversationUnknown(conversation_id)
        if self._tables.shown_header(*place) is None:
            raise ConversationUnknown(conversation_id)
        del self._tables.conversations[place]
        erasure = Erasure(user_id, now_ms, conversation_id=conversation_id)
        self._tables.erasures[place] = erasure
        return erasure

    def advance(
        self,
        erasure: Erasure,
        *,
        pending: Sequence[StoredItem] = (),
        settles_at_ms: int | None = None,
        finished_at_ms: int | None = None,
    ) -> Erasure:
        with self._tables.lock:
            place = erasure.user_id, erasure.conversation_id
            if place not in self._tables.erasures or (
                self._tables.erasures[place].step != erasure.step
            ):
                raise ErasureUnderWay(erasure.user_id)
            finished_at_ms = finished_at_ms or erasure.finished_at_ms
            following = replace(
                erasure,
                step=erasure.step + 1,
                deleted=erasure.counting(pending),
                pending=tuple(pending),
                settles_at_ms=None if finished_at_ms else settles_at_ms or erasure.settles_at_ms,
                finished_at_ms=finished_at_ms,
            )
            self._tables.erasures[place] = following
            return following

    def sessions(self, user_id: str, conversation_id: str | None = None) -> Mapping[str, bool]:
        with self._tables.lock:
            return {
                session_id: session_id in self._tables.erased_sessions
                for session_id in self._session_ids(user_id, conversation_id)
                if session_id in self._tables.states
            }

    def _session_ids(self, user_id: str, conversation_id: str | None) -> Sequence[str]:
        with self._tables.lock:
            found = [opening.session_id for opening in self._openings(user_id).values()]
            found += [session for user, session in self._tables.active_sessions if user == user_id]
            found += [
                conversation.live_session_id
                for (user, _), conversation in self._tables.conversations.items()
                if user == user_id and conversation.live_session_id is not None
            ]
            return [
                session_id
                for session_id in dict.fromkeys(found)
                if conversation_id in (None, self._tables.opened_in[session_id])
            ]

    def _openings(self, user_id: str) -> dict[str, OpenConnection]:
        return {
            connection_id: OpenConnection(connection_id, session_id)
            for (user, connection_id), session_id in self._tables.openings.items()
            if user == user_id
        }

    def connections(
        self, user_id: str, conversation_id: str | None = None
    ) -> Sequence[OpenConnection]:
        with self._tables.lock:
            sessions = self._session_ids(user_id, conversation_id)
            return [
                opening
                for opening in self._openings(user_id).values()
                if opening.connection_id in self._tables.connections
                and opening.session_id in sessions
            ]

    def end_session(self, session_id: str) -> int | None:
        with self._tables.lock:
            state = self._tables.states.get(session_id)
            if state is None:
                return None
            ended = replace(state, ended=True, epoch=state.epoch + 1)
            self._tables.states[session_id] = ended
            self._tables.erased_sessions.add(session_id)
            return ended.epoch

    def items(self, user_id: str, conversation_id: str | None = None) -> Iterator[StoredItem]:
        with self._tables.lock:
            found = list(self._found(user_id, conversation_id))
        for item, _ in found:
            yield item

    def delete(self, user_id: str, items: Sequence[StoredItem]) -> None:
        with self._tables.lock:
            doomed = dict(self._found(user_id))
            for item in items:
                doomed.get(item, lambda: None)()

    def _found(
        self, user_id: str, conversation_id: str | None = None
    ) -> Iterator[tuple[StoredItem, Callable[[], object]]]:
        """Yield every item with a function that deletes it; keys look like those in DynamoDB."""
        tables = self._tables
        user = f"user#{user_id}"
        sessions = self._session_ids(user_id, conversation_id)
        openings = [one for one in self._openings(user_id).values() if one.session_id in sessions]
        for opening in openings:
            if opening.connection_id in tables.connections:
                yield (
                    StoredItem(
                        ItemKind.CONNECTIONS, "live", f"conn#{opening.connection_id}", "meta"
                    ),
                    partial(tables.connections.pop, opening.connection_id, None),
                )
        for session_id in sessions:
            yield from self._of_session(session_id)
        for owner, session_id in tables.active_sessions:
            if owner == user_id and session_id in sessions:
                yield (
                    StoredItem(ItemKind.ACTIVE_SESSIONS, "live", user, f"session#{session_id}"),
                    partial(tables.active_sessions.pop, (owner, session_id), None),
                )
        for opening in openings:
            yield (
                StoredItem(ItemKind.OPENINGS, "live", user, f"opening#{opening.connection_id}"),
                partial(tables.openings.pop, (user_id, opening.connection_id), None),
            )
        if conversation_id is None:
            yield from self._of_user(user_id)
        else:
            yield from self._of_conversation(conversation_id)

    def _of_user(self, user_id: str) -> Iterator[tuple[StoredItem, Callable[[], object]]]:
        tables, user = self._tables, f"user#{user_id}"
        notes = tables.notes.get(user_id, {})
        for note_id in notes:
            yield (
                StoredItem(ItemKind.NOTES, "memory", user, f"note#{note_id}"),
                partial(notes.pop, note_id, None),
            )
        for owner, kind, record_id in tables.tool_records:
            if owner == user_id:
                yield (
                    StoredItem(ItemKind.TOOL_RECORDS, "memory", user, f"tool#{kind}#{record_id}"),
                    partial(tables.tool_records.pop, (owner, kind, record_id), None),
                )
        for owner, day in tables.usage:
            if owner == user_id:
                yield (
                    StoredItem(ItemKind.USAGE_DAYS, "memory", user, f"usage#{day}"),
                    partial(tables.usage.pop, (owner, day), None),
                )
        erased = {place: None for place in tables.erasures if place[1] is not None}
        for owner, conversation in (*tables.conversations, *erased):
            if owner == user_id and conversation is not None:
                yield from self._of_conversation(conversation)
                yield (
                    StoredItem(ItemKind.CONVERSATIONS, "memory", user, f"conv#{conversation}"),
                    partial(self._forget, owner, conversation),
                )

    def _forget(self, user_id: str, conversation_id: str) -> None:
        self._tables.conversations.pop((user_id, conversation_id), None)
        self._tables.erasures.pop((user_id, conversation_id), None)

    def _of_session(self, session_id: str) -> Iterator[tuple[StoredItem, Callable[[], object]]]:
        tables, partition = self._tables, f"session#{session_id}"
        if contents := tables.mailboxes.get(session_id):
            for seq in contents.messages:
                yield (
                    StoredItem(ItemKind.MAILBOX_ENTRIES, "live", partition, f"in#{seq:012d}"),
                    partial(contents.messages.pop, seq, None),
                )
            for notice_id in contents.notices:
                yield (
                    StoredItem(ItemKind.MAILBOX_ENTRIES, "live", partition, f"in#~{notice_id}"),
                    partial(contents.notices.pop, notice_id, None),
                )
            if contents.acknowledged is not None:
                yield (
                    StoredItem(ItemKind.MAILBOX_ENTRIES, "live", partition, "in#~ack"),
                    partial(setattr, contents, "acknowledged", None),
                )
        if session_id in tables.states:
            yield (
                StoredItem(ItemKind.SESSIONS, "live", partition, "state"),
                partial(tables.states.pop, session_id, None),
            )
        if session_id in tables.wakes:
            yield (
                StoredItem(ItemKind.WAKES, "live", partition, "wake"),
                partial(tables.wakes.pop, session_id, None),
            )

    def _of_conversation(
        self, conversation_id: str
    ) -> Iterator[tuple[StoredItem, Callable[[], object]]]:
        tables, partition = self._tables, f"conv#{conversation_id}"
        calls = tables.calls.get(conversation_id, {})
        for key in calls:
            call_key, arguments_hash = key
            sort = f"call#{call_key.turn:08d}/{call_key.index:04d}/{arguments_hash}"
            yield (
                StoredItem(ItemKind.CALLS, "memory", partition, sort),
                partial(calls.pop, key, None),
            )
        turns = tables.turns.get(conversation_id, {})
        for turn in turns:
            yield (
                StoredItem(ItemKind.TURNS, "memory", partition, f"turn#{turn:08d}"),
                partial(turns.pop, turn, None),
            )
