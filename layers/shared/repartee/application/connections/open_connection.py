"""Opens a connection: spends the ticket, binds the connection, notifies a superseded session."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from repartee.application.connections.deliver_notice import deliver_notice
from repartee.domain.errors import (
    ClientTooSlow,
    ConnectionGone,
    ConnectionRefused,
    StoreUnavailable,
)
from repartee.domain.protocol.messages import Superseded
from repartee.domain.session.state import ConnectionOpening
from repartee.ports.clients import ClientChannel
from repartee.ports.service import CallSwitch
from repartee.ports.sessions import Mailbox, OpeningStore, SessionStore


@dataclass(frozen=True, slots=True)
class OpenConnectionResult:
    """The result of opening a connection.

    Attributes:
        superseded_session_id: The session whose conversation this one took over, if any.
        is_superseded_notified: False if that session had ended, or if its mailbox failed: then the
            new session's worker leaves the notice.
        closed_connections: How many older connections of the session were closed.
    """

    is_new_session: bool
    superseded_session_id: str | None = None
    is_superseded_notified: bool = False
    closed_connections: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionOpener:
    """Opens connections.

    Attributes:
        channel: Returns the channel; called only when a connection has to be closed.
    """

    openings: OpeningStore
    mailbox: Mailbox
    sessions: SessionStore
    channel: Callable[[], ClientChannel]
    switch: CallSwitch

    def open(self, opening: ConnectionOpening) -> OpenConnectionResult:
        """Open the connection, or change nothing.

        If the session then has too many connections, its oldest ones are closed. No worker is
        woken for a superseded session: if it has none, the new session's worker ends it.

        Raises:
            ConnectionRefused: Calls are stopped, the ticket is spent, a limit is reached, or the
                session is closed.
            StoreUnavailable: The table failed; the client may try again with a fresh ticket.
        """
        if self.switch.is_stopped():
            raise ConnectionRefused(503, "calls_stopped")
        opened = self.openings.open(opening)
        superseded = opened.superseded_session_id
        surplus = opened.surplus_connection_ids
        if surplus:
            _close(surplus, self.channel())
        if superseded is None:
            return OpenConnectionResult(opened.is_new_session, closed_connections=len(surplus))
        try:
            is_notified = deliver_notice(
                superseded,
                Superseded(opening.session_id),
                mailbox=self.mailbox,
                sessions=self.sessions,
                now_ms=opening.opened_at_ms,
            )
        except StoreUnavailable:
            is_notified = False
        return OpenConnectionResult(opened.is_new_session, superseded, is_notified)


def _close(connection_ids: Iterable[str], channel: ClientChannel) -> None:
    """Send each of these connections the reason, and close it."""
    # These modules load slowly, and an opening that closes no connection needs neither.
    from repartee.application.connections.admission import surplus_connection_error
    from repartee.domain.protocol.answers import Rejected

    problem = surplus_connection_error()
    reason = Rejected(problem.code, str(problem), problem.retryable)
    for connection_id in connection_ids:
        with suppress(ConnectionGone, ClientTooSlow, StoreUnavailable):
            channel.post(connection_id, reason)
        # If this fails, messages of that connection are refused until it says hello.
        with suppress(ClientTooSlow, StoreUnavailable):
            channel.close(connection_id)
