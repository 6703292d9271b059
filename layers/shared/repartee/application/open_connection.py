"""Open a connection: spend the ticket, bind the connection, tell the session it replaces."""

from dataclasses import dataclass

from repartee.application.leave_notice import leave_notice
from repartee.domain.errors import StoreUnavailable
from repartee.domain.messages import Superseded
from repartee.domain.session_state import ConnectionOpening
from repartee.ports.mailbox import Mailbox
from repartee.ports.opening_store import OpeningStore
from repartee.ports.session_store import SessionStore


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a connection did.

    Attributes:
        superseded_session_id: The session whose conversation this one took over, if any.
        superseded_was_told: False when it had ended, or when its mailbox failed: then the new
            session's worker tells it.
    """

    is_new_session: bool
    superseded_session_id: str | None = None
    superseded_was_told: bool = False


def open_connection(
    opening: ConnectionOpening,
    *,
    openings: OpeningStore,
    mailbox: Mailbox,
    sessions: SessionStore,
) -> Opened:
    """Open the connection, or change nothing.

    Nobody is woken for a superseded session: if it has no worker, that of the new one ends it.

    Raises:
        ConnectionRefused: The ticket is spent, a limit is reached, or the session is closed.
        StoreUnavailable: The table failed; the client may try again with a fresh ticket.
    """
    opened = openings.open(opening)
    superseded = opened.superseded_session_id
    if superseded is None:
        return Opened(opened.is_new_session)
    try:
        was_told = leave_notice(
            superseded,
            Superseded(opening.session_id),
            mailbox=mailbox,
            sessions=sessions,
            now_ms=opening.opened_at_ms,
        )
    except StoreUnavailable:
        was_told = False
    return Opened(opened.is_new_session, superseded, was_told)
