from collections.abc import Sequence

from repartee.domain.protocol.messages import (
    Acknowledged,
    MailboxEntry,
    Notice,
    Notified,
    Numbered,
)
from repartee.ports.runtime import IdSource
from repartee.ports.sessions import MAX_MESSAGES_READ, Appended
from tests.fakes.ids import FakeIdSource
from tests.fakes.tables import MAILBOX_LIFETIME_MS, FakeTables, MailboxContents


def _order(ack: Acknowledged) -> tuple[int, int, int, int]:
    played_ms = -1 if ack.played_ms is None else ack.played_ms
    return ack.received.epoch, ack.received.seq, ack.turn, played_ms


def _ack_id(ack: Acknowledged) -> str:
    return "ack/" + "/".join(str(part) for part in _order(ack))


class FakeMailbox:
    """Mailboxes in memory."""

    def __init__(self, tables: FakeTables, ids: IdSource | None = None) -> None:
        self._tables = tables
        self._ids = ids or FakeIdSource()

    def _contents(self, session_id: str) -> MailboxContents:
        return self._tables.mailboxes.setdefault(session_id, MailboxContents())

    def append(self, session_id: str, message: Numbered) -> Appended:
        with self._tables.lock:
            messages = self._contents(session_id).messages
            kept, expires_ms = messages.get(message.seq, (None, 0))
            if kept is None or expires_ms <= self._tables.clock.now_ms():
                appended = Appended.KEPT
            elif not message.is_repeat_of(kept):
                return Appended.TAKEN
            elif kept.connection_id == message.connection_id:
                return Appended.REPEATED
            else:
                appended = Appended.REPEATED
            messages[message.seq] = message, message.received_at_ms + MAILBOX_LIFETIME_MS
            return appended

    def retract_message(self, session_id: str, message: Numbered) -> None:
        with self._tables.lock:
            messages = self._contents(session_id).messages
            kept = messages.get(message.seq)
            if kept is not None and kept[0].connection_id == message.connection_id:
                del messages[message.seq]

    def highest_seq(self, session_id: str, *, up_to: int) -> int:
        with self._tables.lock:
            now_ms = self._tables.clock.now_ms()
            found = self._contents(session_id).messages.items()
            live = (seq for seq, (_, expires_ms) in found if expires_ms > now_ms and seq <= up_to)
            return max(live, default=0)

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        expires_ms = now_ms + MAILBOX_LIFETIME_MS
        with self._tables.lock:
            contents = self._contents(session_id)
            if not isinstance(notice, Acknowledged):
                notice_id = self._ids.new_id(now_ms)
                contents.notices[notice_id] = notice, expires_ms
                return notice_id
            kept = contents.acknowledged
            if kept is None or kept[1] <= now_ms or _order(kept[0]) < _order(notice):
                contents.acknowledged = notice, expires_ms
            return _ack_id(notice)

    def read_after(self, session_id: str, seq: int) -> Sequence[MailboxEntry]:
        with self._tables.lock:
            now_ms = self._tables.clock.now_ms()
            contents = self._contents(session_id)
            messages: list[MailboxEntry] = [
                message
                for number, (message, expires_ms) in sorted(contents.messages.items())
                if number > seq and expires_ms > now_ms
            ]
            entries = messages[:MAX_MESSAGES_READ]
            entries += [
                Notified(notice_id, notice)
                for notice_id, (notice, expires_ms) in sorted(contents.notices.items())
                if expires_ms > now_ms
            ]
            if contents.acknowledged is not None and contents.acknowledged[1] > now_ms:
                ack = contents.acknowledged[0]
                entries.append(Notified(_ack_id(ack), ack))
            return entries

    def delete(self, session_id: str, seqs: Sequence[int], notice_ids: Sequence[str]) -> None:
        with self._tables.lock:
            contents = self._contents(session_id)
            for seq in seqs:
                contents.messages.pop(seq, None)
            for notice_id in notice_ids:
                contents.notices.pop(notice_id, None)
                kept = contents.acknowledged
                if kept is not None and _ack_id(kept[0]) == notice_id:
                    contents.acknowledged = None
