from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.reads import get, query
from repartee.adapters.dynamodb.retries import (
    Backoff,
    ConditionFailed,
    TransactionRefused,
    transact,
    write_one,
)
from repartee.adapters.dynamodb.session_items import number
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.errors import StoreUnavailable, UserErased
from repartee.domain.notes import MAX_NOTES, Note, NotesFull, NoteUnknown
from repartee.ports.ids import IdSource

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

    from repartee.adapters.dynamodb.keys import Item


class DynamoNotes:
    """Notes in MemoryTable, one item each beside their user's profile.

    The profile counts in ``notes_version`` how often a note was added: who adds one has seen all
    that are there, so no text is kept twice and there are never more than ``MAX_NOTES``.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        memory_table: str,
        ids: IdSource,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._table = memory_table
        self._ids = ids
        self._backoff = backoff or Backoff()

    def add(self, user_id: str, text: str, *, noted_at_ms: int) -> Note:
        """Keep ``text``; a text that is kept already is not kept twice.

        Raises:
            NotesFull: There is no room for another one.
            UserErased: The user's tombstone is set.
        """
        for attempt in range(self._backoff.attempts):
            if attempt:
                self._backoff.wait(attempt - 1)
            profile = get(self._client, self._table, keys.profile(user_id)) or {}
            if "erased_at_ms" in profile:
                raise UserErased(user_id)
            kept = self.newest(user_id, limit=MAX_NOTES)
            for note in kept:
                if note.text == text:
                    return note
            if len(kept) >= MAX_NOTES:
                raise NotesFull(user_id)
            note = Note(self._ids.new_id(noted_at_ms), text, noted_at_ms)
            version = number(profile, "notes_version") if "notes_version" in profile else 0
            if self._write(user_id, note, version):
                return note
        raise StoreUnavailable("others add notes for this user all the time")

    def newest(self, user_id: str, *, limit: int) -> Sequence[Note]:
        """Return the user's last ``limit`` notes, the newest first."""
        items = query(
            self._client,
            self._table,
            keys.user(user_id),
            first=keys.NOTE_PREFIX,
            last=f"{keys.NOTE_PREFIX}~",
            backwards=True,
            page_size=limit,
        )
        return tuple(_note(item) for item in islice(items, limit))

    def remove(self, user_id: str, note_id: str) -> None:
        """Forget one note.

        Raises:
            NoteUnknown: The user has no such note.
        """
        try:
            write_one(
                lambda: self._client.delete_item(
                    TableName=self._table,
                    Key=keys.note(user_id, note_id),
                    ConditionExpression="attribute_exists(pk)",
                ),
                self._backoff,
            )
        except ConditionFailed:
            raise NoteUnknown(note_id) from None

    def _write(self, user_id: str, note: Note, version: int) -> bool:
        unchanged = "notes_version = :seen" if version else "attribute_not_exists(notes_version)"
        values = {":next": version + 1} | ({":seen": version} if version else {})
        try:
            transact(
                self._client,
                [
                    {
                        "Put": {
                            "TableName": self._table,
                            "Item": {
                                **keys.note(user_id, note.note_id),
                                **encode_all({"text": note.text, "noted_at_ms": note.noted_at_ms}),
                            },
                        }
                    },
                    {
                        "Update": {
                            "TableName": self._table,
                            "Key": keys.profile(user_id),
                            "UpdateExpression": "SET notes_version = :next",
                            "ConditionExpression": (
                                f"{unchanged} AND attribute_not_exists(erased_at_ms)"
                            ),
                            "ExpressionAttributeValues": encode_all(values),
                        }
                    },
                ],
                backoff=self._backoff,
            )
        except TransactionRefused:
            return False
        return True


def _note(item: "Item") -> Note:
    note_id = item["sk"]["S"].removeprefix(keys.NOTE_PREFIX)
    return Note(note_id, item["text"]["S"], number(item, "noted_at_ms"))
