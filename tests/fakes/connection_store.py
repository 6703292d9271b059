from dataclasses import replace

from repartee.domain.conversation import Conversation
from repartee.domain.errors import ConnectionRefused
from repartee.domain.session_state import ConnectionOpening, OpenedConnection, SessionState
from tests.fakes.tables import ACTIVE_SESSION_LIFETIME_MS, FakeTables


class FakeConnectionStore:
    """Connections and tickets in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        tables = self._tables
        with tables.lock:
            header = tables.conversations.get((opening.user_id, opening.conversation_id))
            live = header.live_session_id if header is not None else None
            state = tables.states.get(opening.session_id)
            self._refuse(opening, state, live)
            tables.spent_tickets.add(opening.ticket_id)
            tables.connections[opening.connection_id] = opening
            tables.openings[opening.user_id, opening.connection_id] = opening.session_id
            tables.active_sessions[opening.user_id, opening.session_id] = (
                opening.opened_at_ms + ACTIVE_SESSION_LIFETIME_MS,
                opening.connection_id,
            )
            if state is not None:
                return OpenedConnection(is_new_session=False)
            tables.states[opening.session_id] = SessionState(
                opening.session_id, opening.user_id, opening.conversation_id, None
            )
            if header is not None:
                tables.renew_header(opening.user_id, opening.conversation_id, opening.opened_at_ms)
            else:
                tables.expire(
                    ("header", opening.user_id, opening.conversation_id),
                    tables.retention.header_ends_at_s(opening.opened_at_ms),
                )
                header = Conversation(
                    opening.user_id,
                    opening.conversation_id,
                    title="",
                    created_at_ms=opening.opened_at_ms,
                    updated_at_ms=opening.opened_at_ms,
                )
            tables.conversations[opening.user_id, opening.conversation_id] = replace(
                header, live_session_id=opening.session_id
            )
            if live is not None:
                tables.active_sessions.pop((opening.user_id, live), None)
            return OpenedConnection(is_new_session=True, superseded_session_id=live)

    def _refuse(
        self, opening: ConnectionOpening, state: SessionState | None, live: str | None
    ) -> None:
        if state is not None and state.user_id != opening.user_id:
            raise ConnectionRefused(403, "session_of_another_user")
        if self._tables.is_erased(opening.user_id):
            raise ConnectionRefused(403, "user_erased")
        if state is not None and state.ended:
            raise ConnectionRefused(409, "session_ended")
        if state is not None and live != opening.session_id:
            raise ConnectionRefused(409, "superseded")
        if state is None and live == opening.session_id:
            raise ConnectionRefused(409, "session_ended")
        active = self._active(opening.user_id, opening.opened_at_ms)
        counts_already = state is not None and opening.session_id in active
        if not counts_already and len(active - {live}) >= opening.max_sessions:
            raise ConnectionRefused(429, "too_many_sessions")
        if opening.ticket_id in self._tables.spent_tickets:
            raise ConnectionRefused(403, "ticket_spent")

    def _active(self, user_id: str, now_ms: int) -> set[str]:
        return {
            session_id
            for (user, session_id), (expires_ms, _) in self._tables.active_sessions.items()
            if user == user_id and expires_ms > now_ms
        }

    def close(self, connection_id: str) -> str | None:
        with self._tables.lock:
            opening = self._tables.connections.pop(connection_id, None)
            return opening.session_id if opening is not None else None

    def count_refusal(self, connection_id: str) -> int:
        with self._tables.lock:
            if connection_id not in self._tables.connections:
                return 0
            self._tables.refused_messages[connection_id] += 1
            return self._tables.refused_messages[connection_id]

    def active_sessions(self, user_id: str, *, now_ms: int) -> frozenset[str]:
        with self._tables.lock:
            return frozenset(self._active(user_id, now_ms))

    def lapse_session(
        self, user_id: str, session_id: str, *, connection_id: str, expires_at_ms: int
    ) -> None:
        with self._tables.lock:
            kept = self._tables.active_sessions.get((user_id, session_id))
            soon_ms = expires_at_ms // 1000 * 1000
            if kept is not None and kept[1] == connection_id and kept[0] > soon_ms:
                self._tables.active_sessions[user_id, session_id] = soon_ms, connection_id

    def end_session(self, user_id: str, session_id: str) -> None:
        with self._tables.lock:
            self._tables.active_sessions.pop((user_id, session_id), None)
