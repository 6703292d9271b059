"""Numbers the client's messages, keeps them until they are accepted, and schedules resends.

A message has a place and a sequence number. The place counts this client's messages from 1 and
never changes. The sequence number is sent to the server. The two are equal until the server
reports that a number is taken.
"""

from collections import OrderedDict
from dataclasses import dataclass

from repartee_client.protocol.encoding import encode_message
from repartee_client.protocol.messages import Audio, Hello, Message

MAX_KEPT_ACCEPTED = 64
"""How many accepted messages are kept.

An accepted number may belong to the message of another client in the same session. Then this
client's message is sent again under another number.
"""


@dataclass(slots=True)
class _Resend:
    place: int
    not_before_ms: float


class ClientOutbox:
    """The client's numbered messages and their acceptance.

    Before ``open`` only ``hello`` is sent. Afterwards at most ``max_in_flight`` messages are sent
    and not accepted.

    Attributes:
        accepted_through: The worker has accepted all messages up to this place.
        sent_at_ms: When each message was first sent, by place.
    """

    def __init__(self) -> None:
        self.accepted_through = 0
        self.sent_at_ms: dict[int, float] = {}
        self._seqs: list[int] = []
        self._next_seq = 1
        self._accepted_seq = 0
        self._max_in_flight = 0
        # A set in the order of the places: minutes of audio may wait here.
        self._waiting: OrderedDict[int, None] = OrderedDict()
        self._kept: dict[int, Message] = {}
        self._accepted: dict[int, Message] = {}
        self._hello_place = 0
        self._hello = Hello()
        self._must_send_hello = False
        self._resends: list[_Resend] = []

    def put(self, message: Message) -> int:
        """Number and queue a message; return its place."""
        self._seqs.append(self._next_seq)
        self._next_seq += 1
        place = len(self._seqs)
        self._kept[place] = message
        if isinstance(message, Hello):
            self._hello_place, self._hello = place, message
            self._must_send_hello = True
        else:
            self._waiting[place] = None
        return place

    def resend_hello(self) -> None:
        """Send the newest ``hello`` again, because it or the answer to it was lost."""
        self._must_send_hello = self._hello_place > 0

    def open(self, max_in_flight: int) -> None:
        """Allow messages to be sent, because the server has answered ``ready``."""
        self._max_in_flight = max_in_flight

    def renumber_from(self, next_seq: int) -> None:
        """Number the messages that the server cannot have from ``next_seq`` on.

        Has no effect once a message was sent after the newest ``hello``.

        Args:
            next_seq: The next number that the server expects, from ``ready``.
        """
        if self._max_in_flight or next_seq == self._seq_of(self._hello_place) + 1:
            return
        # Another client used the number of this ``hello``, but the server has processed it.
        self._kept.pop(self._hello_place, None)
        unknown = [
            place
            for place in sorted(self._kept)
            if place not in self.sent_at_ms or self._seq_of(place) >= next_seq
        ]
        self._number(unknown, next_seq)

    def resend_renumbered(self, seq: int, next_seq: int, now_ms: float) -> None:
        """Send a message again under a free number, because its number is taken.

        A chunk of audio is dropped instead: audio in the wrong place is worse than silence.
        """
        known = self._accepted | self._kept
        place = next((one for one in known if self._seq_of(one) == seq), None)
        if place is None or place in self._waiting:
            return
        message = known[place]
        self._accepted.pop(place, None)
        self._kept.pop(place, None)
        self._resends = [resend for resend in self._resends if resend.place != place]
        if isinstance(message, Audio | Hello):
            return
        out = [self._seq_of(kept) for kept in self._kept if kept not in self._waiting]
        self._kept[place] = message
        self._number([place, *self._waiting], max([next_seq, *(number + 1 for number in out)]))
        self._queue_resend(place, now_ms)

    def _number(self, places: list[int], first_seq: int) -> None:
        for seq, place in enumerate(places, first_seq):
            self._seqs[place - 1] = seq
        self._next_seq = first_seq + len(places)
        # Their earlier numbers may have been accepted for another client's messages.
        self.accepted_through = min([self.accepted_through, *(place - 1 for place in places)])

    def _seq_of(self, place: int) -> int:
        return self._seqs[place - 1]

    def reconnected(self, now_ms: float) -> None:
        """Stop sending until the next ``ready``, and then resend what was not accepted.

        This includes an earlier ``hello`` that was never sent because its connection broke.
        """
        self._max_in_flight = 0
        kept = (place for place in self._kept if place not in self._waiting)
        self._resends = [_Resend(place, now_ms) for place in kept]

    @property
    def last_place(self) -> int:
        """The place of the newest message."""
        return len(self._seqs)

    def is_within(self, place: int, through_seq: int) -> bool:
        """Return whether the message at ``place`` has a number up to ``through_seq``."""
        return self._seq_of(place) <= through_seq

    @property
    def in_flight(self) -> int:
        """The number of messages that were sent and are not accepted."""
        return sum(1 for place in self._kept if place in self.sent_at_ms)

    @property
    def room(self) -> int:
        """How many queued messages may be sent now."""
        return max(0, self._max_in_flight - self.in_flight)

    @property
    def unaccepted_since_ms(self) -> float | None:
        """When the oldest unaccepted message was sent; ``hello`` does not count."""
        places = (place for place in self._kept if place != self._hello_place)
        sent_at_ms = [self.sent_at_ms.get(place) for place in places]
        return min((at_ms for at_ms in sent_at_ms if at_ms is not None), default=None)

    @property
    def is_drained(self) -> bool:
        """Whether every message was sent at least once."""
        return not self._waiting and not self._must_send_hello

    def accepted(self, through: int) -> None:
        """Mark messages with numbers up to ``through`` as accepted.

        The worker may give up a number whose message is still queued. The message is sent anyway,
        because the worker may still accept control messages.
        """
        self._accepted_seq = max(self._accepted_seq, through)
        while self.accepted_through < len(self._seqs):
            if self._seq_of(self.accepted_through + 1) > through:
                break
            self.accepted_through += 1
        for place in [one for one in self._kept if self._seq_of(one) <= through]:
            if place not in self._waiting:
                self._accepted[place] = self._kept.pop(place)
        while len(self._accepted) > MAX_KEPT_ACCEPTED:
            del self._accepted[next(iter(self._accepted))]

    def resend_range(self, first_seq: int, last_seq: int, now_ms: float) -> None:
        """Queue the messages with these numbers again, except those that were never sent."""
        for place in sorted(self._kept):
            if first_seq <= self._seq_of(place) <= last_seq and place not in self._waiting:
                self._queue_resend(place, now_ms)

    def resend_all(self, not_before_ms: float) -> None:
        """Queue all unaccepted messages again, because an unknown one of them was lost.

        ``hello`` is not queued: ``ready`` shows whether it arrived.
        """
        queued = {resend.place for resend in self._resends}
        for place in self._kept:
            is_out = place in self.sent_at_ms and place not in queued
            if is_out and place != self._hello_place:
                self._queue_resend(place, not_before_ms)

    def resend_later(self, seq: int, not_before_ms: float) -> None:
        """Queue the message with this number again."""
        for place in self._kept:
            if self._seq_of(place) == seq and place not in self._waiting:
                self._queue_resend(place, not_before_ms)

    def drop(self, seq: int) -> bool:
        """Give up the message with this number; return False for a ``hello`` or an unknown one."""
        place = next((one for one in self._kept if self._seq_of(one) == seq), None)
        if place is None or place in self._waiting or place == self._hello_place:
            return False
        del self._kept[place]
        return True

    def _queue_resend(self, place: int, not_before_ms: float) -> None:
        self._resends = [resend for resend in self._resends if resend.place != place]
        self._resends.append(_Resend(place, not_before_ms))

    def due(self, now_ms: float) -> list[str]:
        """Return the text frames that may be sent now, in order, and mark them as sent."""
        texts: list[str] = []
        if self._must_send_hello:
            self.sent_at_ms.setdefault(self._hello_place, now_ms)
            self._must_send_hello = False
            texts.append(self._text(self._hello_place, self._hello))
        if not self._max_in_flight:
            return texts
        ready = sorted(resend.place for resend in self._resends if resend.not_before_ms <= now_ms)
        self._resends = [resend for resend in self._resends if resend.not_before_ms > now_ms]
        texts += [self._send(place, now_ms) for place in ready if place in self._kept]
        for _ in range(min(self.room, len(self._waiting))):
            texts.append(self._send(self._waiting.popitem(last=False)[0], now_ms))
        return texts

    def _send(self, place: int, now_ms: float) -> str:
        self.sent_at_ms.setdefault(place, now_ms)
        is_over = self._seq_of(place) <= self._accepted_seq
        message = self._kept.pop(place) if is_over else self._kept[place]
        return self._text(place, message)

    def _text(self, place: int, message: Message) -> str:
        return encode_message(self._seq_of(place), message)

    def next_deadline_ms(self) -> float | None:
        """Return when the next delayed message may be sent; None if none is delayed."""
        return min((resend.not_before_ms for resend in self._resends), default=None)
