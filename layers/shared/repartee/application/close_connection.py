"""Close a connection: forget it and tell its session. Best effort; nothing relies on it."""

from repartee.domain.errors import StoreUnavailable
from repartee.domain.messages import Detached
from repartee.ports.clock import Clock
from repartee.ports.connection_store import ConnectionStore
from repartee.ports.mailbox import Mailbox


def close_connection(
    connection_id: str,
    session_id: str,
    *,
    connections: ConnectionStore,
    mailbox: Mailbox,
    clock: Clock,
) -> str:
    """Tell the connection's session that it is gone; return that session's id.

    ``session_id`` is the session by the authorizer, for when the table does not know.

    Raises:
        StoreUnavailable: The notice could not be left.
    """
    try:
        told = connections.close(connection_id) or session_id
    except StoreUnavailable:
        told = session_id
    mailbox.notify(told, Detached(connection_id), now_ms=clock.now_ms())
    return told
