from collections.abc import Sequence
from typing import Protocol

from repartee.domain.users.notes import Note


class Notes(Protocol):
    """Keeps what users want remembered.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def add(self, user_id: str, text: str, *, noted_at_ms: int) -> Note:
        """Keep ``text``; a text that is kept already is not kept twice.

        Raises:
            NotesFull: There is no room for another one.
            UserErased: The user's tombstone is set.
        """
        ...

    def newest(self, user_id: str, *, limit: int, before: str | None = None) -> Sequence[Note]:
        """Return the user's last ``limit`` notes, the newest first.

        With ``before``, only ids that sort before it. That note may be deleted already.
        """
        ...

    def remove(self, user_id: str, note_id: str) -> None:
        """Forget one note.

        Raises:
            NoteUnknown: The user has no such note.
        """
        ...
