"""Deletes one of a user's notes, also from the sessions that are open."""

from dataclasses import dataclass

from repartee.application.connections.deliver_notice import SessionNotifier
from repartee.domain.protocol.messages import NoteForgotten
from repartee.ports.users import Notes


@dataclass(frozen=True, slots=True)
class NoteForgetter:
    """Deletes notes and notifies the user's sessions."""

    notes: Notes
    notifier: SessionNotifier

    def forget(self, user_id: str, note_id: str) -> bool:
        """Delete one note.

        Returns:
            False if a session has possibly no notice: its live model knows the note until the
            session has its next worker.

        Raises:
            NoteUnknown: The user has no such note.
            StoreUnavailable: The note could not be deleted.
        """
        self.notes.remove(user_id, note_id)
        # The notice follows the deletion: a worker that loads the notes from now on needs none.
        return self.notifier.notify(user_id, NoteForgotten(note_id))
