"""Closes a connection: forgets it and notifies its session. No other part relies on it."""

from contextlib import suppress
from dataclasses import dataclass

from repartee.application.connections.deliver_notice import deliver_notice
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Detached
from repartee.domain.protocol.ticket import ConnectionIdentity
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore


@dataclass(frozen=True, slots=True)
class ConnectionCloser:
    """Closes connections.

    Attributes:
        grace_ms: How long a session without a connection still counts against its user's cap.
    """

    connections: ConnectionStore
    mailbox: Mailbox
    sessions: SessionStore
    clock: Clock
    grace_ms: int

    def close(self, caller: ConnectionIdentity) -> str:
        """Notify the connection's session that the connection is closed; return the session's id.

        The session that the table names is used. If the table has none, it is the one that the
        authorizer named. A session that is over gets no notice.

        Raises:
            StoreUnavailable: The notice could not be left.
        """
        connection_id, now_ms = caller.connection_id, self.clock.now_ms()
        try:
            session_id = self.connections.close(connection_id) or caller.session_id
        except StoreUnavailable:
            session_id = caller.session_id
        with suppress(StoreUnavailable):
            self.connections.set_session_expiry(
                caller.user_id,
                session_id,
                connection_id=connection_id,
                expires_at_ms=now_ms + self.grace_ms,
            )
        deliver_notice(
            session_id,
            Detached(connection_id),
            mailbox=self.mailbox,
            sessions=self.sessions,
            now_ms=now_ms,
        )
        return session_id
