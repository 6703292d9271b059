from collections.abc import Sequence

from repartee.domain.errors import UserErased
from repartee.domain.users.notes import MAX_NOTES, Note, NotesFull, NoteUnknown
from tests.fakes.ids import FakeIdSource
from tests.fakes.tables import FakeTables


class FakeNotes:
    """Notes in memory."""

    def __init__(self, tables: FakeTables | None = None) -> None:
        self._tables = tables or FakeTables()
        self._ids = FakeIdSource()

    def add(self, user_id: str, text: str, *, noted_at_ms: int) -> Note:
        with self._tables.lock:
            if self._tables.is_erased(user_id):
                raise UserErased(user_id)
            kept = self._tables.notes.setdefault(user_id, {})
            for note in kept.values():
                if note.text == text:
                    return note
            if len(kept) >= MAX_NOTES:
                raise NotesFull(user_id)
            note = Note(self._ids.new_id(noted_at_ms), text, noted_at_ms)
            kept[note.note_id] = note
            return note

    def newest(self, user_id: str, *, limit: int, before: str | None = None) -> Sequence[Note]:
        with self._tables.lock:
            kept = self._tables.notes.get(user_id, {})
            found = [one for one in sorted(kept, reverse=True) if before is None or one < before]
            return tuple(kept[note_id] for note_id in found[:limit])

    def remove(self, user_id: str, note_id: str) -> None:
        with self._tables.lock:
            if self._tables.notes.get(user_id, {}).pop(note_id, None) is None:
                raise NoteUnknown(note_id)
