from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.sessions.active_sessions import active_sessions
from repartee.adapters.dynamodb.sessions.items import number, text
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.session.state import ActiveSession


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoConnectionStore:
    """Keeps open connections and active sessions in LiveTable."""

    session_table: DynamoTable

    def close(self, connection_id: str) -> str | None:
        """Forget the connection; return its session's id, None for an unknown connection."""
        return text(self.session_table.delete(keys.connection(connection_id)), "session_id")

    def count_refusal(self, connection_id: str) -> int:
        """Count a message of the connection that was refused; return how many there were."""
        try:
            item = self.session_table.update(
                keys.connection(connection_id),
                "ADD refused_messages :one",
                encode_all({":one": 1}),
                condition="attribute_exists(pk)",
            )
        except ConditionFailed:
            return 0
        return number(item, "refused_messages")

    def active_sessions(self, user_id: str, *, now_ms: int) -> Mapping[str, ActiveSession]:
        """Return the user's open sessions, by their ids."""
        active, _ = active_sessions(self.session_table, user_id, now_ms)
        return active

    def set_session_expiry(
        self, user_id: str, session_id: str, *, connection_id: str, expires_at_ms: int
    ) -> None:
        """Let a session count as open until ``expires_at_ms``, unless it has a newer connection."""
        with suppress(ConditionFailed):
            self.session_table.update(
                keys.active_session(user_id, session_id),
                "SET expires_at = :soon",
                encode_all({":soon": expires_at_ms // 1000, ":connection": connection_id}),
                condition="connection_id = :connection AND expires_at > :soon",
            )

    def end_session(self, user_id: str, session_id: str) -> None:
        """Remove a session from its user's active sessions."""
        self.session_table.delete(keys.active_session(user_id, session_id))
