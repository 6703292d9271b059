from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import (
    attempt_from,
    call_key_from,
    exchange_from,
    header_from,
    turn_from,
)
from repartee.adapters.dynamodb.expiry import is_header_kept, is_kept
from repartee.adapters.dynamodb.front_desk import bookings_of
from repartee.adapters.dynamodb.sessions.items import number
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.langchain.messages import read_messages
from repartee.domain.conversation.conversation import Conversation
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.users.erasure import ItemKind
from repartee.domain.users.export import Entry, SummaryRecord, ToolCallRecord, ToolRecord
from repartee.ports.runtime import Clock

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoUserRecords:
    """Reads whole partitions of MemoryTable, and a user's bookings from DeskTable."""

    memory: DynamoTable
    desk: DynamoTable
    clock: Clock

    def conversations(self, user_id: str, *, first: str = "") -> Iterator[Conversation]:
        """Yield the user's conversations, without summaries; those before ``first`` left out."""
        items = self.memory.query(
            keys.user(user_id),
            first=f"{keys.CONVERSATION_PREFIX}{first}",
            last=keys.CONVERSATIONS_END,
        )
        now_ms = self.clock.now_ms()
        return (header_from(user_id, item) for item in items if is_header_kept(item, now_ms))

    def entries(self, conversation_id: str, *, after: str = "") -> Iterator[Entry]:
        """Yield a conversation's calls, summary and turns, those up to ``after`` left out."""
        items = self.memory.query(
            keys.conversation(conversation_id),
            first=after or keys.FIRST_SORT_KEY,
            last=keys.LAST_SORT_KEY,
        )
        now_ms = self.clock.now_ms()
        return (
            entry
            for item in items
            if item["sk"]["S"] > after
            and is_kept(item, now_ms)
            and (entry := _entry(item)) is not None
        )

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        return bookings_of(self.desk, user_id)

    def tool_records(self, user_id: str, *, after: str = "") -> Iterator[ToolRecord]:
        """Yield the tool records of the user whose ``place`` comes after ``after``, in order."""
        first = f"{keys.TOOL_RECORD_PREFIX}{after}"
        items = self.memory.query(keys.user(user_id), first=first, last=keys.TOOL_RECORDS_END)
        return (
            ToolRecord(*keys.kind_and_record_id(item["sk"]["S"]), item["record_json"]["S"])
            for item in items
            if item["sk"]["S"] != first
        )


def _entry(item: "Item") -> Entry | None:
    partition, sort = item["pk"]["S"], item["sk"]["S"]
    match keys.kind_of(partition, sort):
        case ItemKind.TURNS:
            return Entry(sort, turn_from(item))
        case ItemKind.CALLS:
            return Entry(sort, _call(item))
        case ItemKind.SUMMARIES:
            return Entry(sort, SummaryRecord(item["summary"]["S"], number(item, "through")))
    return None


def _call(item: "Item") -> ToolCallRecord:
    attempt, exchange = attempt_from(item), exchange_from(item)
    return ToolCallRecord(
        call_key_from(item),
        attempt.question,
        attempt.tools,
        exchange.answer if exchange is not None else None,
        exchange.finished_at_ms if exchange is not None else None,
        read_messages(exchange.messages_json) if exchange is not None else (),
    )
