"""Leave a notice in a session's mailbox, and never in the mailbox of one that is over."""

from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Notice
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore


def deliver_notice(
    session_id: str, notice: Notice, *, mailbox: Mailbox, sessions: SessionStore, now_ms: int
) -> bool:
    """Leave ``notice``; take it back and return False when the session is over.

    Writing comes before looking. An erasure deletes the session's state before it empties the
    mailbox: what was written before is found there, and who writes later finds no state.

    Raises:
        StoreUnavailable: The notice could not be left, or nobody knows whether it may stay.
    """
    notice_id = mailbox.notify(session_id, notice, now_ms=now_ms)
    state = sessions.load(session_id)
    if state is not None and not state.ended:
        return True
    mailbox.delete(session_id, (), (notice_id,))
    return False


def notify_sessions(
    user_id: str,
    notice: Notice,
    *,
    connections: ConnectionStore,
    mailbox: Mailbox,
    sessions: SessionStore,
    now_ms: int,
) -> bool:
    """Leave ``notice`` in each open session of the user; False when one may not have it."""
    try:
        running = connections.active_sessions(user_id, now_ms=now_ms)
    except StoreUnavailable:
        return False
    is_every_session_notified = True
    for session_id in sorted(running):
        try:
            deliver_notice(session_id, notice, mailbox=mailbox, sessions=sessions, now_ms=now_ms)
        except StoreUnavailable:
            is_every_session_notified = False
    return is_every_session_notified
