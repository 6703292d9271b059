from collections.abc import Mapping
from typing import Protocol

from repartee.domain.session.state import ActiveSession


class ConnectionStore(Protocol):
    """Knows open connections and the sessions that count as open.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def close(self, connection_id: str) -> str | None:
        """Forget the connection; return its session's id, or None when it was unknown."""
        ...

    def count_refusal(self, connection_id: str) -> int:
        """Count a message of the connection that was refused; return how many there were.

        0 for a connection that is closed already.
        """
        ...

    def active_sessions(self, user_id: str, *, now_ms: int) -> Mapping[str, ActiveSession]:
        """Return the user's open sessions, by their ids.

        One that no connection was opened for within API Gateway's 2 h counts as closed, and one
        that has lapsed.
        """
        ...

    def set_session_expiry(
        self, user_id: str, session_id: str, *, connection_id: str, expires_at_ms: int
    ) -> None:
        """Let a session count as open until ``expires_at_ms`` only: its connection is gone.

        Nothing changes when ``connection_id`` is not the newest that was opened for the session.
        Opening another one lets the session count again, if the cap has room for it.
        """
        ...

    def end_session(self, user_id: str, session_id: str) -> None:
        """Take a session out of its user's active ones."""
        ...
