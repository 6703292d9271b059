"""Numbers what the client says, keeps it until it is accepted, and knows what to send when."""

import base64
from collections import deque
from dataclasses import dataclass

from repartee.domain.messages import (
    Audio,
    Bye,
    Hello,
    Message,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.wire import (
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


@dataclass(slots=True)
class _Resend:
    seq: int
    not_before_ms: float


class Outbox:
    """The client's numbered messages on their way to the worker.

    Nothing but ``hello`` leaves before ``open``; then never more than ``max_in_flight`` messages
    are out that the worker has not accepted.

    Attributes:
        accepted_through: The worker has everything up to this number.
        sent_at_ms: When each message first left, by number.
    """

    def __init__(self) -> None:
        self.accepted_through = 0
        self.sent_at_ms: dict[int, float] = {}
        self._next_seq = 1
        self._max_in_flight = 0
        self._waiting: deque[int] = deque()
        self._kept: dict[int, str] = {}
        self._hello: tuple[int, str] | None = None
        self._must_greet = False
        self._resends: list[_Resend] = []

    def put(self, message: Message) -> int:
        """Number a message and queue it; returns the number."""
        seq = self._next_seq
        self._next_seq += 1
        self._kept[seq] = _model(seq, message).model_dump_json(exclude_defaults=True)
        if isinstance(message, Hello):
            self._hello = (seq, self._kept[seq])
            self._must_greet = True
        else:
            self._waiting.append(seq)
        return seq

    def greet_again(self) -> None:
        """Send the newest ``hello`` once more: it, or the answer to it, got lost."""
        self._must_greet = self._hello is not None

    def open(self, max_in_flight: int) -> None:
        """Let messages leave: the server has said ``ready``."""
        self._max_in_flight = max_in_flight

    def reconnected(self, now_ms: float) -> None:
        """Shut again until the next ``ready``, then send again what was not accepted.

        So too an earlier ``hello`` that never left, because its line broke at once.
        """
        self._max_in_flight = 0
        self._resends = [_Resend(seq, now_ms) for seq in self._kept if seq not in self._waiting]

    @property
    def last_seq(self) -> int:
        return self._next_seq - 1

    @property
    def in_flight(self) -> int:
        """Messages that left and are not accepted yet."""
        return sum(1 for seq in self._kept if seq in self.sent_at_ms)

    @property
    def room(self) -> int:
        """How many more messages could leave right now, those that wait already included."""
        return max(0, self._max_in_flight - self.in_flight)

    @property
    def unaccepted_since_ms(self) -> float | None:
        """Since when the oldest message that must be accepted is out; ``hello`` need not be."""
        hello = self._hello[0] if self._hello else 0
        sent_at_ms = [self.sent_at_ms.get(seq) for seq in self._kept if seq != hello]
        return min((at_ms for at_ms in sent_at_ms if at_ms is not None), default=None)

    @property
    def is_drained(self) -> bool:
        """Whether everything has left at least once."""
        return not self._waiting and not self._must_greet

    def accepted(self, through: int) -> None:
        """Forget messages up to ``through``.

        What was given up before it could leave leaves all the same: control may still be taken.
        """
        self.accepted_through = max(self.accepted_through, through)
        for seq in [seq for seq in self._kept if seq <= through and seq not in self._waiting]:
            del self._kept[seq]

    def missing(self, first_seq: int, last_seq: int, now_ms: float) -> None:
        """Queue again exactly what is asked for, as far as it is kept and waits for no room."""
        for seq in sorted(self._kept):
            if first_seq <= seq <= last_seq and seq not in self._waiting:
                self._again(seq, now_ms)

    def undelivered(self, not_before_ms: float) -> None:
        """Queue again, for later, all that is out: one of them was lost, nobody knows which.

        Whether ``hello`` arrived is known by its answer.
        """
        hello = self._hello[0] if self._hello else 0
        queued = {one.seq for one in self._resends}
        for seq in self._kept:
            if seq in self.sent_at_ms and seq not in queued and seq != hello:
                self._again(seq, not_before_ms)

    def refused_for_now(self, seq: int, not_before_ms: float) -> None:
        """Queue one message again, for later."""
        if seq in self._kept:
            self._again(seq, not_before_ms)

    def _again(self, seq: int, not_before_ms: float) -> None:
        self._resends = [one for one in self._resends if one.seq != seq]
        self._resends.append(_Resend(seq, not_before_ms))

    def due(self, now_ms: float) -> list[str]:
        """Take everything that may leave now, in order; it counts as sent."""
        texts: list[str] = []
        if self._must_greet and self._hello is not None:
            seq, text = self._hello
            self.sent_at_ms.setdefault(seq, now_ms)
            self._must_greet = False
            texts.append(text)
        if not self._max_in_flight:
            return texts
        ready = sorted(one.seq for one in self._resends if one.not_before_ms <= now_ms)
        self._resends = [one for one in self._resends if one.not_before_ms > now_ms]
        texts += [self._leave(seq, now_ms) for seq in ready if seq in self._kept]
        for _ in range(min(self.room, len(self._waiting))):
            texts.append(self._leave(self._waiting.popleft(), now_ms))
        return texts

    def _leave(self, seq: int, now_ms: float) -> str:
        self.sent_at_ms.setdefault(seq, now_ms)
        return self._kept[seq] if seq > self.accepted_through else self._kept.pop(seq)

    def next_deadline_ms(self) -> float | None:
        """When a message that waits for its time may leave."""
        return min((one.not_before_ms for one in self._resends), default=None)
