from typing import Protocol

from repartee.domain.session_state import ConnectionOpening, OpenedConnection


class ConnectionStore(Protocol):
    """Binds connections to sessions and spends tickets.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        """Spend the ticket, write the connection, make or find the session: all or nothing.

        A session that does not count as open yet must find room under the user's cap, a new one
        and one that is come back to late. A new session becomes the conversation's live one, and
        the conversation is made if new.

        Raises:
            ConnectionRefused: ``ticket_spent`` 403, ``too_many_sessions`` 429, ``session_ended``
                409, ``session_of_another_user`` 403, ``superseded`` 409, ``user_erased`` 403.
                The ticket is spent only by an opening that succeeds.
        """
        ...

    def close(self, connection_id: str) -> str | None:
        """Forget the connection; return its session's id, or None when it was unknown."""
        ...

    def count_refusal(self, connection_id: str) -> int:
        """Count a message of the connection that was refused; return how many there were.

        0 for a connection that is closed already.
        """
        ...

    def active_sessions(self, user_id: str, *, now_ms: int) -> frozenset[str]:
        """Return the user's open sessions.

        One that no connection was opened for within API Gateway's 2 h counts as closed, and one
        that has lapsed.
        """
        ...

    def lapse_session(
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
