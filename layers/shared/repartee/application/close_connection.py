"""Close a connection: forget it and tell its session. Best effort; nothing relies on it."""

from repartee.application.leave_notice import leave_notice
from repartee.domain.errors import StoreUnavailable
from repartee.domain.messages import Detached
from repartee.ports.clock import Clock
from repartee.ports.connection_store import ConnectionStore
from repartee.ports.mailbox import Mailbox
from repartee.ports.session_store import SessionStore


def close_connection(
    connection_id: str,
    session_id: str,
    *,
    connections: ConnectionStore,
    mailbox: Mailbox,
    sessions: SessionStore,
    clock: Clock,
) -> str:
    """Tell the connection's session that it is gone; return that session's id.

    ``session_id`` is the session by the authorizer, for when the table does not know. A session
    that is over is told nothing.

    Raises:
        StoreUnavailable: The notice could not be left.
    """
    try:
        told = connections.close(connection_id) or session_id
    except StoreUnavailable:
        told = session_id
    leave_notice(
        told, Detached(connection_id), mailbox=mailbox, sessions=sessions, now_ms=clock.now_ms()
    )
    return told
