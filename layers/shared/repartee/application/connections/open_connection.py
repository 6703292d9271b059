"""Open a connection: spend the ticket, bind the connection, tell the session it replaces."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from repartee.application.connections.deliver_notice import deliver_notice
from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.protocol.messages import Superseded
from repartee.domain.session.state import ConnectionOpening
from repartee.ports.clients import ClientChannel
from repartee.ports.sessions import Mailbox, OpeningStore, SessionStore


@dataclass(frozen=True, slots=True)
class OpenConnectionResult:
    """What opening a connection did.

    Attributes:
        superseded_session_id: The session whose conversation this one took over, if any.
        is_superseded_notified: False when it had ended, or when its mailbox failed: then the new
            session's worker tells it.
        closed_connections: How many older connections of the session were closed.
    """

    is_new_session: bool
    superseded_session_id: str | None = None
    is_superseded_notified: bool = False
    closed_connections: int = 0


def open_connection(
    opening: ConnectionOpening,
    *,
    openings: OpeningStore,
    mailbox: Mailbox,
    sessions: SessionStore,
    channel: Callable[[], ClientChannel],
) -> OpenConnectionResult:
    """Open the connection, or change nothing.

    A session that has too many connections then loses its oldest ones; ``channel`` is asked for
    only then.
    Nobody is woken for a superseded session: if it has no worker, that of the new one ends it.

    Raises:
        ConnectionRefused: The ticket is spent, a limit is reached, or the session is closed.
        StoreUnavailable: The table failed; the client may try again with a fresh ticket.
    """
    opened = openings.open(opening)
    superseded = opened.superseded_session_id
    surplus = opened.surplus_connection_ids
    if surplus:
        _close(surplus, channel())
    if superseded is None:
        return OpenConnectionResult(opened.is_new_session, closed_connections=len(surplus))
    try:
        is_notified = deliver_notice(
            superseded,
            Superseded(opening.session_id),
            mailbox=mailbox,
            sessions=sessions,
            now_ms=opening.opened_at_ms,
        )
    except StoreUnavailable:
        is_notified = False
    return OpenConnectionResult(opened.is_new_session, superseded, is_notified)


def _close(connection_ids: Iterable[str], channel: ClientChannel) -> None:
    """Say to each of these connections why it is closed, as far as it listens, and close it."""
    # These modules take longer to load than a usual opening may take, and that one needs neither.
    from repartee.application.connections.admission import surplus_connection_error
    from repartee.domain.protocol.wire import Rejected, encode_reply

    problem = surplus_connection_error()
    frame = encode_reply(Rejected(problem.code, str(problem), problem.retryable))
    for connection_id in connection_ids:
        with suppress(ConnectionGone, ClientTooSlow, StoreUnavailable):
            channel.post(connection_id, frame)
        # One that cannot be closed says nothing that is kept, unless it says hello later.
        with suppress(ClientTooSlow, StoreUnavailable):
            channel.close(connection_id)
