"""Handles the client's numbered messages: attaches connections and refuses unusable messages."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import SessionError
from repartee.domain.protocol.messages import Hello, Numbered
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.input.order import InputOrder, too_far_ahead_text
from repartee.domain.session.memory.lost_replies import LostReplies
from repartee.domain.session.memory.writes import TableWrites


@dataclass(slots=True)
class MessageIntake:
    """Passes each message to the input order, or refuses it."""

    _order: InputOrder
    _client: ClientLink
    _lost_replies: LostReplies
    _writes: TableWrites

    def take(self, numbered: Numbered, now_ms: int) -> None:
        """Handle a message; the mailbox may return it repeatedly."""
        # A ``hello`` takes effect at once, because the client sends missing messages again over
        # the connection of the ``hello``.
        self.take_hello(numbered)
        order, seq = self._order, numbered.seq
        if order.is_too_far_ahead(seq):
            self._refuse(numbered, "seq_too_far", too_far_ahead_text(seq), retryable=True)
        elif not order.add(numbered, now_ms) and order.is_given_up_control(numbered):
            text = f"{seq} was skipped before it arrived: send the message as {order.next_seq}"
            self._refuse(numbered, "seq_taken", text)

    def take_hello(self, numbered: Numbered) -> bool:
        """Attach the connection of a ``hello``; return False if the ``hello`` has no effect."""
        hello = numbered.message
        if not isinstance(hello, Hello):
            return False
        if (attached := self._client.attach(numbered, hello)) is None:
            return False
        if attached.is_new:
            self._writes.set_connection(
                self._client.connection_id,
                marks_speech=self._client.marks_speech,
                features=self._client.features,
            )
        self._lost_replies.show_missed(hello.resume_from, is_lost=attached.is_output_lost)
        return True

    def detach(self, connection_id: str, now_ms: int) -> None:
        """Note that a connection closed."""
        if self._client.detach(connection_id, now_ms):
            self._writes.set_connection(None)

    def delete_notice(self, notice_id: str) -> None:
        """Delete a notice that has been handled."""
        self._writes.delete_notice(notice_id)

    def _refuse(self, numbered: Numbered, code: str, text: str, *, retryable: bool = False) -> None:
        """Delete a message, and report to the client once that it cannot be used."""
        seq, order = numbered.seq, self._order
        if order.refuse(seq):
            self._writes.delete_messages(seq)
            if not isinstance(numbered.message, Hello):
                self._client.outbox.offer(
                    SessionError(code, text, retryable, refused_seq=seq, next_seq=order.next_seq)
                )
