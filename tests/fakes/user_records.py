from collections.abc import Iterator, Sequence
from dataclasses import replace

from repartee.adapters.langchain.messages import read_messages
from repartee.domain.conversation.conversation import Conversation
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.users.export import Entry, SummaryRecord, ToolCallRecord, ToolRecord
from tests.fakes.desk import FakeDesk
from tests.fakes.tables import FakeTables


class FakeUserRecords:
    """Reads from the fakes' shared tables; without a desk there are no bookings."""

    def __init__(self, tables: FakeTables, desk: FakeDesk | None = None) -> None:
        self._tables = tables
        self._desk = desk or FakeDesk({}, tables=tables)

    def conversations(self, user_id: str, *, first: str = "") -> Iterator[Conversation]:
        with self._tables.lock:
            mine = {
                conversation_id: replace(header, summary="", summary_through=0)
                for user, conversation_id in self._tables.conversations
                if user == user_id
                and conversation_id >= first
                and (header := self._tables.shown_header(user, conversation_id)) is not None
            }
        yield from (mine[conversation_id] for conversation_id in sorted(mine))

    def entries(self, conversation_id: str, *, after: str = "") -> Iterator[Entry]:
        with self._tables.lock:
            entries = [
                *self._calls(conversation_id),
                *self._summary(conversation_id),
                *self._turns(conversation_id),
            ]
        yield from (entry for entry in entries if entry.place > after)

    def _calls(self, conversation_id: str) -> Iterator[Entry]:
        calls = self._tables.calls.get(conversation_id, {})
        for key, aside in sorted(calls, key=lambda one: (one[0].turn, one[0].index, one[1])):
            if not self._tables.is_kept("call", conversation_id, key):
                continue
            kept = calls[key, aside]
            done = kept.exchange
            record = ToolCallRecord(
                key,
                kept.question,
                tuple(kept.begun),
                None if done is None else done.answer,
                None if done is None else done.finished_at_ms,
                () if done is None else read_messages(done.messages_json),
            )
            yield Entry(f"call {key.turn:08d} {key.index:04d} {aside}", record)

    def _summary(self, conversation_id: str) -> Iterator[Entry]:
        for (_, found), header in self._tables.conversations.items():
            is_kept = self._tables.is_kept("summary", conversation_id)
            if found == conversation_id and header.summary_through and is_kept:
                record = SummaryRecord(header.summary, header.summary_through)
                yield Entry("summary", record)

    def _turns(self, conversation_id: str) -> Iterator[Entry]:
        turns = self._tables.turns.get(conversation_id, {})
        for number in sorted(turns):
            if not self._tables.is_kept("turn", conversation_id, number):
                continue
            yield Entry(f"turn {number:08d}", turns[number])

    def bookings(self, user_id: str) -> Sequence[Booking]:
        return self._desk.bookings(user_id)

    def tool_records(self, user_id: str, *, after: str = "") -> Iterator[ToolRecord]:
        with self._tables.lock:
            records = [
                ToolRecord(kind, record_id, record_json)
                for (user, kind, record_id), record_json in self._tables.tool_records.items()
                if user == user_id
            ]
        left = (record for record in records if record.place.encode() > after.encode())
        return iter(sorted(left, key=lambda record: record.place.encode()))
