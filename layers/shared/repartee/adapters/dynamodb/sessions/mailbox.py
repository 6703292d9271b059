from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.sessions.items import (
    message_attributes,
    message_from,
    notice_attributes,
    notice_from,
    number,
)
from repartee.adapters.dynamodb.table import WRITE_BATCH, DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.protocol.messages import Acknowledged, MailboxEntry, Notice, Notified, Numbered
from repartee.ports.runtime import Clock, IdSource
from repartee.ports.sessions import MAX_MESSAGES_READ, Appended

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item

_ACK_PREFIX = "ack/"
_IS_SAME_CONNECTION = "connection_id = :connection"
# Most messages have not expired, so one page of this size is usually enough.
_SEQ_PAGE_SIZE = 5


def _ack_order(ack: Acknowledged) -> str:
    """Return a text that sorts in the order of acknowledgements."""
    received = ack.received
    # A minus sign sorts before every digit.
    played = "-" if ack.played_ms is None else f"{ack.played_ms:012d}"
    return f"{received.epoch:012d}/{received.seq:012d}/{ack.turn:08d}/{played}"


def _from(message: Numbered) -> "Item":
    return encode_all({":connection": message.connection_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoMailbox:
    """Keeps mailboxes in LiveTable, one item per entry, in the order in which they are read."""

    session_table: DynamoTable
    clock: Clock
    ids: IdSource

    def append(self, session_id: str, message: Numbered) -> Appended:
        """Keep ``message`` unless a message with its number exists."""
        expires_at = keys.expires_at(message.received_at_ms, keys.MAILBOX_LIFETIME_S)
        item = {
            **keys.key(keys.session(session_id), keys.message_sort(message.seq)),
            **message_attributes(message, expires_at),
        }
        try:
            self.session_table.put(
                item,
                condition="attribute_not_exists(pk) OR expires_at <= :now",
                values=encode_all({":now": self._now_s()}),
            )
        except ConditionFailed as failed:
            if failed.item is None:
                return Appended.REPEATED
            kept = message_from(failed.item, message.seq)
        else:
            return Appended.KEPT
        if not message.is_repeat_of(kept):
            return Appended.TAKEN
        if kept.connection_id != message.connection_id:
            with suppress(ConditionFailed):
                self.session_table.put(item, condition=_IS_SAME_CONNECTION, values=_from(kept))
        return Appended.REPEATED

    def retract_message(self, session_id: str, message: Numbered) -> None:
        """Delete a message that was kept but must not be read, unless it was repeated since."""
        key = keys.key(keys.session(session_id), keys.message_sort(message.seq))
        with suppress(ConditionFailed):
            self.session_table.delete(key, condition=_IS_SAME_CONNECTION, values=_from(message))

    def highest_seq(self, session_id: str, *, up_to: int) -> int:
        """Return the highest number of a message up to ``up_to``, 0 if there is no message."""
        now_s = self._now_s()
        first, last = keys.message_sort(0), keys.message_sort(up_to)
        newest = self.session_table.query(
            keys.session(session_id),
            first=first,
            last=last,
            backwards=True,
            page_size=_SEQ_PAGE_SIZE,
            only="sk, expires_at",
        )
        live = (item for item in newest if number(item, "expires_at") > now_s)
        return next((int(item["sk"]["S"].partition("#")[2]) for item in live), 0)

    def _now_s(self) -> int:
        return self.clock.now_ms() // 1000

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        """Leave a notice and return its id; an ``Acknowledged`` replaces only an older one."""
        attributes = notice_attributes(notice, keys.expires_at(now_ms, keys.MAILBOX_LIFETIME_S))
        partition = keys.session(session_id)
        if isinstance(notice, Acknowledged):
            self._acknowledge(keys.key(partition, keys.ACK_SORT_KEY), notice, attributes, now_ms)
            return _ACK_PREFIX + _ack_order(notice)
        notice_id = self.ids.new_id(now_ms)
        sort = f"{keys.NOTICE_PREFIX}{notice_id}"
        self.session_table.put({**keys.key(partition, sort), **attributes})
        return notice_id

    def _acknowledge(self, key: "Item", ack: Acknowledged, item: "Item", now_ms: int) -> None:
        order = _ack_order(ack)
        with suppress(ConditionFailed):
            self.session_table.put(
                {**key, **item, **encode_all({"ack_order": order})},
                condition="attribute_not_exists(pk) OR ack_order < :order OR expires_at <= :now",
                values=encode_all({":order": order, ":now": now_ms // 1000}),
            )

    def read_after(self, session_id: str, seq: int) -> Sequence[MailboxEntry]:
        """Return the next numbered messages above ``seq`` in order, then all notices."""
        entries: list[MailboxEntry] = []
        for entry in self._entries(session_id, keys.message_sort(seq + 1)):
            if isinstance(entry, Numbered) and len(entries) == MAX_MESSAGES_READ:
                # The notices are behind messages that the next call reads.
                return [*entries, *self._entries(session_id, keys.NOTICE_PREFIX)]
            entries.append(entry)
        return entries

    def _entries(self, session_id: str, first: str) -> Iterator[MailboxEntry]:
        now_s = self._now_s()
        partition = keys.session(session_id)
        for item in self.session_table.query(partition, first=first, last=keys.MAILBOX_END):
            if number(item, "expires_at") > now_s:
                yield self._entry(item)

    def _entry(self, item: "Item") -> MailboxEntry:
        sort = item["sk"]["S"]
        if not sort.startswith(keys.NOTICE_PREFIX):
            return message_from(item, int(sort.partition("#")[2]))
        if sort == keys.ACK_SORT_KEY:
            return Notified(_ACK_PREFIX + item["ack_order"]["S"], notice_from(item))
        return Notified(sort.removeprefix(keys.NOTICE_PREFIX), notice_from(item))

    def delete(self, session_id: str, seqs: Sequence[int], notice_ids: Sequence[str]) -> None:
        """Delete consumed entries; missing ones are no error.

        An acknowledgement is deleted only if no newer one has replaced it since it was read.
        """
        partition = keys.session(session_id)
        sorts = {keys.message_sort(seq): None for seq in seqs}
        for notice_id in notice_ids:
            if notice_id.startswith(_ACK_PREFIX):
                self._delete_ack(partition, notice_id.removeprefix(_ACK_PREFIX))
            else:
                sorts[f"{keys.NOTICE_PREFIX}{notice_id}"] = None
        for batch in batched(
            (keys.key(partition, sort) for sort in sorts), WRITE_BATCH, strict=False
        ):
            self.session_table.delete_all(batch)

    def _delete_ack(self, partition: str, order: str) -> None:
        with suppress(ConditionFailed):
            self.session_table.delete(
                keys.key(partition, keys.ACK_SORT_KEY),
                condition="ack_order = :order",
                values=encode_all({":order": order}),
            )
