"""Delete one of a user's notes, also from the sessions that run."""

from dataclasses import dataclass

from repartee.application.connections.deliver_notice import notify_sessions
from repartee.domain.protocol.messages import NoteForgotten
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore
from repartee.ports.users import Notes


@dataclass(frozen=True, slots=True)
class NoteForgetter:
    """Deletes notes and leaves a notice of it in the user's sessions."""

    notes: Notes
    connections: ConnectionStore
    mailbox: Mailbox
    sessions: SessionStore
    clock: Clock

    def forget(self, user_id: str, note_id: str) -> bool:
        """Forget one note.

        This wakes no worker: a session without one loads the notes when it gets one.

        Returns:
            False when a session may not have the notice: its live model knows the note until the
            session has its next worker.

        Raises:
            NoteUnknown: The user has no such note.
            StoreUnavailable: The note could not be deleted.
        """
        self.notes.remove(user_id, note_id)
        # After the deletion, so that a worker that loads the notes from now on does not find it.
        return notify_sessions(
            user_id,
            NoteForgotten(note_id),
            connections=self.connections,
            mailbox=self.mailbox,
            sessions=self.sessions,
            now_ms=self.clock.now_ms(),
        )
