"""Leaves notices in the mailboxes of sessions that have not ended."""

from dataclasses import dataclass

from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Notice
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore


def deliver_notice(
    session_id: str, notice: Notice, *, mailbox: Mailbox, sessions: SessionStore, now_ms: int
) -> bool:
    """Leave ``notice`` in a session's mailbox; delete it and return False if the session is over.

    The notice is written before the state is read. An erasure deletes the session's state before
    it empties the mailbox: it finds a notice that was written earlier, and a later writer finds no
    state.

    Raises:
        StoreUnavailable: The notice was not written, or the state could not be read.
    """
    notice_id = mailbox.notify(session_id, notice, now_ms=now_ms)
    state = sessions.load(session_id)
    if state is not None and not state.ended:
        return True
    mailbox.delete(session_id, (), (notice_id,))
    return False


@dataclass(frozen=True, slots=True)
class SessionNotifier:
    """Leaves a notice in each open session of a user.

    This wakes no worker: a session without a worker loads the user's data when it gets one.
    """

    connections: ConnectionStore
    mailbox: Mailbox
    sessions: SessionStore
    clock: Clock

    def notify(self, user_id: str, notice: Notice) -> bool:
        """Leave ``notice`` in the user's sessions; return False if one possibly has none."""
        now_ms = self.clock.now_ms()
        try:
            active = self.connections.active_sessions(user_id, now_ms=now_ms)
        except StoreUnavailable:
            return False
        is_every_session_notified = True
        for session_id in sorted(active):
            try:
                deliver_notice(
                    session_id,
                    notice,
                    mailbox=self.mailbox,
                    sessions=self.sessions,
                    now_ms=now_ms,
                )
            except StoreUnavailable:
                is_every_session_notified = False
        return is_every_session_notified
