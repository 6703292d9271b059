"""Exports all data of a user, a page at a time."""

from collections.abc import Callable
from dataclasses import dataclass

from repartee.domain.conversation.conversation import Conversation
from repartee.domain.users.export import (
    Account,
    ConversationPart,
    Entry,
    ExportPage,
    ExportPosition,
    ToolRecord,
)
from repartee.domain.users.notes import MAX_NOTES
from repartee.ports.users import Notes, ProfileStore, UsageStore, UserRecords

PAGE_BYTES = 2_000_000
"""The size of a full page. The last entry may exceed it: 300 KB in DynamoDB can be seven times as
much in an answer. The days of many years may exceed it too. Lambda's limit is 6 MB."""

PAGE_CONVERSATIONS = 200
"""The most conversations of a page: each needs a query, and a request has 29 s."""

# More days than a user can have.
_ALL_DAYS = 100_000

type SizeOf = Callable[[Conversation | Entry | ToolRecord], int]


@dataclass(frozen=True, slots=True)
class UserExporter:
    """Exports users."""

    records: UserRecords
    profiles: ProfileStore
    notes: Notes
    usage: UsageStore

    def export(
        self, user_id: str, position: ExportPosition | None, *, size_bytes: SizeOf
    ) -> ExportPage:
        """Return the page that begins at ``position``, the first one for None.

        Turns that are added during the export may be missing. Deleted conversations are left out.

        Args:
            user_id: The user.
            position: ``following`` of the page before.
            size_bytes: Returns how much room a record takes in the answer.

        Raises:
            StoreUnavailable: A table failed beyond the retries.
        """
        account = self._account(user_id) if position is None else None
        start = position or ExportPosition("")
        left = PAGE_BYTES
        records: list[ToolRecord] = []
        if not start.conversation_id:
            for record in self.records.tool_records(user_id, after=start.after):
                if left <= 0:
                    following = ExportPosition("", records[-1].place)
                    return ExportPage(account, tuple(records), (), following)
                left -= size_bytes(record)
                records.append(record)
        parts: list[ConversationPart] = []
        for header in self.records.conversations(user_id, first=start.conversation_id):
            is_continued = bool(start.after) and header.conversation_id == start.conversation_id
            if len(parts) == PAGE_CONVERSATIONS or left <= 0:
                following = ExportPosition(header.conversation_id)
                return ExportPage(account, tuple(records), tuple(parts), following)
            left -= size_bytes(header)
            entries: list[Entry] = []
            after = start.after if is_continued else ""
            for entry in self.records.entries(header.conversation_id, after=after):
                # A part has an entry, so that the next page knows that it continues.
                if left <= 0 and entries:
                    parts.append(ConversationPart(header, tuple(entries), is_continued))
                    following = ExportPosition(header.conversation_id, entries[-1].place)
                    return ExportPage(account, tuple(records), tuple(parts), following)
                left -= size_bytes(entry)
                entries.append(entry)
            parts.append(ConversationPart(header, tuple(entries), is_continued))
        return ExportPage(account, tuple(records), tuple(parts), None)

    def _account(self, user_id: str) -> Account:
        return Account(
            self.profiles.load(user_id),
            tuple(self.notes.newest(user_id, limit=MAX_NOTES)),
            tuple(self.records.bookings(user_id)),
            tuple(self.usage.days(user_id, limit=_ALL_DAYS)),
        )
