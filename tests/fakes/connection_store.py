from collections.abc import Mapping
from dataclasses import replace

from repartee.domain.session.state import ActiveSession
from tests.fakes.tables import FakeTables


class FakeConnectionStore:
    """Open connections and active sessions in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

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

    def active_sessions(self, user_id: str, *, now_ms: int) -> Mapping[str, ActiveSession]:
        with self._tables.lock:
            return self._tables.active(user_id, now_ms)

    def set_session_expiry(
        self, user_id: str, session_id: str, *, connection_id: str, expires_at_ms: int
    ) -> None:
        with self._tables.lock:
            kept = self._tables.active_sessions.get((user_id, session_id))
            soon_ms = expires_at_ms // 1000 * 1000
            if kept and kept.connection_id == connection_id and kept.expires_at_ms > soon_ms:
                lapsing = replace(kept, expires_at_ms=soon_ms)
                self._tables.active_sessions[user_id, session_id] = lapsing

    def end_session(self, user_id: str, session_id: str) -> None:
        with self._tables.lock:
            self._tables.active_sessions.pop((user_id, session_id), None)
