from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.retries import ConditionFailed, TransactionRefused
from repartee.adapters.dynamodb.sessions.items import number
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.adapters.dynamodb.write_conditions import advance_version
from repartee.domain.errors import StoreUnavailable, UserErased
from repartee.domain.users.notes import MAX_NOTES, Note, NotesFull, NoteUnknown
from repartee.ports.runtime import IdSource

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoNotes:
    """Notes in MemoryTable, one item each beside their user's profile.

    The profile counts in ``notes_version`` how often a note was added. An addition checks that the
    count has not changed since the notes were read, so no text is kept twice and there are never
    more than ``MAX_NOTES``.
    """

    memory: DynamoTable
    ids: IdSource

    def add(self, user_id: str, text: str, *, noted_at_ms: int) -> Note:
        """Store ``text``, unless a note with this text exists; return the note.

        Raises:
            NotesFull: The user has ``MAX_NOTES`` notes.
            UserErased: The user's tombstone is set.
        """
        for _ in self.memory.backoff.each_attempt():
            profile = self.memory.get(keys.profile(user_id)) or {}
            if "erased_at_ms" in profile:
                raise UserErased(user_id)
            kept = self.newest(user_id, limit=MAX_NOTES)
            for note in kept:
                if note.text == text:
                    return note
            if len(kept) >= MAX_NOTES:
                raise NotesFull(user_id)
            note = Note(self.ids.new_id(noted_at_ms), text, noted_at_ms)
            version = number(profile, "notes_version") if "notes_version" in profile else 0
            if self._write(user_id, note, version):
                return note
        raise StoreUnavailable("parallel calls keep adding notes for this user")

    def newest(self, user_id: str, *, limit: int, before: str | None = None) -> Sequence[Note]:
        """Return the user's last ``limit`` notes, the newest first."""
        end = f"{keys.NOTE_PREFIX}{before or '~'}"
        items = self.memory.query(
            keys.user(user_id),
            first=keys.NOTE_PREFIX,
            last=end,
            backwards=True,
            # The query also returns the note at ``before`` itself.
            page_size=limit if before is None else limit + 1,
        )
        found = (item for item in items if item["sk"]["S"] < end)
        return tuple(_note(item) for item in islice(found, limit))

    def remove(self, user_id: str, note_id: str) -> None:
        """Forget one note.

        Raises:
            NoteUnknown: The user has no such note.
        """
        try:
            self.memory.delete(keys.note(user_id, note_id), condition="attribute_exists(pk)")
        except ConditionFailed:
            raise NoteUnknown(note_id) from None

    def _write(self, user_id: str, note: Note, version: int) -> bool:
        try:
            self.memory.transact(
                [
                    {
                        "Put": {
                            "TableName": self.memory.name,
                            "Item": {
                                **keys.note(user_id, note.note_id),
                                **encode_all({"text": note.text, "noted_at_ms": note.noted_at_ms}),
                            },
                        }
                    },
                    advance_version(self.memory, user_id, "notes_version", version),
                ],
            )
        except TransactionRefused:
            return False
        return True


def _note(item: "Item") -> Note:
    note_id = item["sk"]["S"].removeprefix(keys.NOTE_PREFIX)
    return Note(note_id, item["text"]["S"], number(item, "noted_at_ms"))
