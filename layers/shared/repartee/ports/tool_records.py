"""Port of the records that core_agent's tools keep of users."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel

MAX_RECORD_ID_BYTES = 512
"""The longest id of a record in UTF-8. It may come from the user's words, so it has any length."""


class ToolRecords[Record: BaseModel](Protocol):
    """Users' records of one kind, such as orders. A user's export and erasure include them.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def find(self, user_id: str, record_id: str) -> Record | None:
        """Return the user's record with this id, None if there is none.

        Raises:
            RecordUnreadable: The stored record does not fit the kind's model.
        """
        ...

    def all(self, user_id: str) -> Mapping[str, Record]:
        """Return the user's records by id, in the order of the ids' characters.

        Raises:
            RecordUnreadable: A stored record does not fit the kind's model.
        """
        ...

    def put(self, user_id: str, record_id: str, record: Record) -> None:
        """Store the record, and replace one with the same id.

        Raises:
            UserErased: The user's tombstone is set.
            ItemTooLarge: The id or the record is too large; nothing is written.
        """
        ...

    def remove(self, user_id: str, record_id: str) -> None:
        """Delete the record, if there is one."""
        ...
