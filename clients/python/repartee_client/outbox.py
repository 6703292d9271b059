"""Numbers what the client says, keeps it until it is accepted, and knows what to send when.

A message has a place, which is how the client knows it, and a number on the wire. They are the same
until the server says that a number is taken.
"""

import base64
from collections import deque
from dataclasses import dataclass

from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Hello,
    Message,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.protocol.wire import (
    PROTOCOL_VERSION,
    AudioModel,
    ByeModel,
    ClientModel,
    HelloModel,
    PositionModel,
    SpeechEndModel,
    SpeechStartModel,
    TextModel,
)


def _model(seq: int, message: Message) -> ClientModel:
    match message:
        case Hello(resume_from=position, marks_speech=marks_speech):
            return HelloModel(
                type="hello",
                seq=seq,
                protocol=PROTOCOL_VERSION,
                resume_from=PositionModel(epoch=position.epoch, seq=position.seq)
                if position
                else None,
                marks_speech=marks_speech,
            )
        case Audio(pcm=pcm):
            return AudioModel(type="audio", seq=seq, data=base64.b64encode(pcm).decode())
        case SpeechStart():
            return SpeechStartModel(type="speech_start", seq=seq)
        case SpeechEnd():
            return SpeechEndModel(type="speech_end", seq=seq)
        case Text(text=text):
            return TextModel(type="text", seq=seq, text=text)
        case Bye():
            return ByeModel(type="bye", seq=seq)


MAX_KEPT_ACCEPTED = 64
"""So many accepted messages are kept, as the server may have accepted another client's instead."""


@dataclass(slots=True)
class _Resend:
    place: int
    not_before_ms: float


class ClientOutbox:
    """The client's numbered messages on their way to the worker.

    Nothing but ``hello`` leaves before ``open``; then never more than ``max_in_flight`` messages
    are out that the worker has not accepted.

    Attributes:
        accepted_through: The worker has everything up to this place.
        sent_at_ms: When each message first left, by place.
    """

    def __init__(self) -> None:
        self.accepted_through = 0
        self.sent_at_ms: dict[int, float] = {}
        self._seqs: list[int] = []
        self._next_seq = 1
        self._accepted_seq = 0
        self._max_in_flight = 0
        self._waiting: deque[int] = deque()
        self._kept: dict[int, Message] = {}
        self._covered: dict[int, Message] = {}
        self._hello_place = 0
        self._hello = Hello()
        self._must_greet = False
        self._resends: list[_Resend] = []

    def put(self, message: Message) -> int:
        """Number a message and queue it; returns its place."""
        self._seqs.append(self._next_seq)
        self._next_seq += 1
        place = len(self._seqs)
        self._kept[place] = message
        if isinstance(message, Hello):
            self._hello_place, self._hello = place, message
            self._must_greet = True
        else:
            self._waiting.append(place)
        return place

    def resend_hello(self) -> None:
        """Send the newest ``hello`` once more: it, or the answer to it, got lost."""
        self._must_greet = self._hello_place > 0

    def open(self, max_in_flight: int) -> None:
        """Let messages leave: the server has said ``ready``."""
        self._max_in_flight = max_in_flight

    def renumber_from(self, next_seq: int) -> None:
        """Number what the server cannot have from ``next_seq`` on, as its ``ready`` says.

        Only before anything has left since the newest ``hello``.
        """
        if self._max_in_flight or next_seq == self._seq_of(self._hello_place) + 1:
            return
        # Another message has the hello's number, or a number behind it; it counted all the same.
        self._kept.pop(self._hello_place, None)
        unknown = [
            place
            for place in sorted(self._kept)
            if place not in self.sent_at_ms or self._seq_of(place) >= next_seq
        ]
        self._number(unknown, next_seq)

    def taken(self, seq: int, next_seq: int, now_ms: float) -> None:
        """Another message has this number: send ours again under one that is free.

        Not a chunk of audio, for sound out of place is worse than silence.
        """
        known = self._covered | self._kept
        place = next((one for one in known if self._seq_of(one) == seq), None)
        if place is None or place in self._waiting:
            return
        message = known[place]
        self._covered.pop(place, None)
        self._kept.pop(place, None)
        self._resends = [one for one in self._resends if one.place != place]
        if isinstance(message, Audio | Hello):
            return
        out = [self._seq_of(one) for one in self._kept if one not in self._waiting]
        self._kept[place] = message
        self._number([place, *self._waiting], max([next_seq, *(number + 1 for number in out)]))
        self._queue_resend(place, now_ms)

    def _number(self, places: list[int], first_seq: int) -> None:
        for seq, place in enumerate(places, first_seq):
            self._seqs[place - 1] = seq
        self._next_seq = first_seq + len(places)

    def _seq_of(self, place: int) -> int:
        return self._seqs[place - 1]

    def reconnected(self, now_ms: float) -> None:
        """Shut again until the next ``ready``, then send again what was not accepted.

        So too an earlier ``hello`` that never left, because its line broke at once.
        """
        self._max_in_flight = 0
        kept = (place for place in self._kept if place not in self._waiting)
        self._resends = [_Resend(place, now_ms) for place in kept]

    @property
    def last_seq(self) -> int:
        """The place of the newest message."""
        return len(self._seqs)

    @property
    def in_flight(self) -> int:
        """Messages that left and are not accepted yet."""
        return sum(1 for place in self._kept if place in self.sent_at_ms)

    @property
    def room(self) -> int:
        """How many more messages could leave right now, those that wait already included."""
        return max(0, self._max_in_flight - self.in_flight)

    @property
    def unaccepted_since_ms(self) -> float | None:
        """Since when the oldest message that must be accepted is out; ``hello`` need not be."""
        places = (place for place in self._kept if place != self._hello_place)
        sent_at_ms = [self.sent_at_ms.get(place) for place in places]
        return min((at_ms for at_ms in sent_at_ms if at_ms is not None), default=None)

    @property
    def is_drained(self) -> bool:
        """Whether everything has left at least once."""
        return not self._waiting and not self._must_greet

    def accepted(self, through: int) -> None:
        """Let go of messages with numbers up to ``through``.

        What was given up before it could leave leaves all the same: control may still be taken.
        """
        self._accepted_seq = max(self._accepted_seq, through)
        while self.accepted_through < len(self._seqs):
            if self._seq_of(self.accepted_through + 1) > through:
                break
            self.accepted_through += 1
        for place in [one for one in self._kept if self._seq_of(one) <= through]:
            if place not in self._waiting:
                self._covered[place] = self._kept.pop(place)
        while len(self._covered) > MAX_KEPT_ACCEPTED:
            del self._covered[next(iter(self._covered))]

    def missing(self, first_seq: int, last_seq: int, now_ms: float) -> None:
        """Queue again exactly what is asked for, as far as it is kept and waits for no room."""
        for place in sorted(self._kept):
            if first_seq <= self._seq_of(place) <= last_seq and place not in self._waiting:
                self._queue_resend(place, now_ms)

    def undelivered(self, not_before_ms: float) -> None:
        """Queue again, for later, all that is out: one of them was lost, nobody knows which.

        Whether ``hello`` arrived is known by its answer.
        """
        queued = {one.place for one in self._resends}
        for place in self._kept:
            is_out = place in self.sent_at_ms and place not in queued
            if is_out and place != self._hello_place:
                self._queue_resend(place, not_before_ms)

    def resend_later(self, seq: int, not_before_ms: float) -> None:
        """Queue the message of one number again, for later."""
        for place in self._kept:
            if self._seq_of(place) == seq and place not in self._waiting:
                self._queue_resend(place, not_before_ms)

    def _queue_resend(self, place: int, not_before_ms: float) -> None:
        self._resends = [one for one in self._resends if one.place != place]
        self._resends.append(_Resend(place, not_before_ms))

    def due(self, now_ms: float) -> list[str]:
        """Take everything that may leave now, in order; it counts as sent."""
        texts: list[str] = []
        if self._must_greet:
            self.sent_at_ms.setdefault(self._hello_place, now_ms)
            self._must_greet = False
            texts.append(self._text(self._hello_place, self._hello))
        if not self._max_in_flight:
            return texts
        ready = sorted(one.place for one in self._resends if one.not_before_ms <= now_ms)
        self._resends = [one for one in self._resends if one.not_before_ms > now_ms]
        texts += [self._leave(place, now_ms) for place in ready if place in self._kept]
        for _ in range(min(self.room, len(self._waiting))):
            texts.append(self._leave(self._waiting.popleft(), now_ms))
        return texts

    def _leave(self, place: int, now_ms: float) -> str:
        self.sent_at_ms.setdefault(place, now_ms)
        is_over = self._seq_of(place) <= self._accepted_seq
        message = self._kept.pop(place) if is_over else self._kept[place]
        return self._text(place, message)

    def _text(self, place: int, message: Message) -> str:
        return _model(self._seq_of(place), message).model_dump_json(exclude_defaults=True)

    def next_deadline_ms(self) -> float | None:
        """When a message that waits for its time may leave."""
        return min((one.not_before_ms for one in self._resends), default=None)
