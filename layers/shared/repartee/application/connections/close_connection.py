"""Close a connection: forget it and tell its session. Best effort; nothing relies on it."""

from contextlib import suppress

from repartee.application.connections.deliver_notice import deliver_notice
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Detached
from repartee.domain.users.connection_identity import ConnectionIdentity
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore


def close_connection(
    caller: ConnectionIdentity,
    *,
    grace_ms: int,
    connections: ConnectionStore,
    mailbox: Mailbox,
    sessions: SessionStore,
    clock: Clock,
) -> str:
    """Tell the connection's session that it is gone; return that session's id.

    The session by the authorizer counts where the table does not know; one that is over is told
    nothing. Unless somebody comes back, the session counts against its user's cap for no longer
    than ``grace_ms``.

    Raises:
        StoreUnavailable: The notice could not be left.
    """
    connection_id, now_ms = caller.connection_id, clock.now_ms()
    try:
        told = connections.close(connection_id) or caller.session_id
    except StoreUnavailable:
        told = caller.session_id
    with suppress(StoreUnavailable):
        connections.set_session_expiry(
            caller.user_id, told, connection_id=connection_id, expires_at_ms=now_ms + grace_ms
        )
    deliver_notice(told, Detached(connection_id), mailbox=mailbox, sessions=sessions, now_ms=now_ms)
    return told
