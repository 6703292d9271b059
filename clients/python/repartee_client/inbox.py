"""Puts the server's numbered frames into order, once each, and drops what a stale worker says."""

from repartee.domain.protocol.frames import (
    Frame,
    NumberedFrame,
    ReplyAudio,
    Transcript,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.messages import OutputPosition
from repartee_client.decoding import UnknownFrame


class ClientInbox:
    """Frames come in as they may; they leave in the order of ``(epoch, seq)``.

    A worker never goes on with a turn of another: what had begun and not ended when a new epoch
    appears leaves as restarted, for the frame that says so may have been lost with its worker.

    Attributes:
        position: How far everything has been received.
    """

    def __init__(self) -> None:
        self.position = OutputPosition(epoch=0, seq=0)
        self._early: dict[int, NumberedFrame | UnknownFrame] = {}
        self._open_turns: set[int] = set()
        self._discarded_turns: set[int] = set()
        self._ended_through = 0
        self._is_joining = False

    def join(self) -> None:
        """Begin with the first frame that comes, if none has: those before it went to another."""
        self._is_joining = self.position.seq == 0

    def put(self, arrived: NumberedFrame | UnknownFrame) -> list[Frame]:
        """Take one frame; return those that are now in order, often just this one."""
        if arrived.epoch < self.position.epoch:
            return []
        if self._is_joining:
            self.position = OutputPosition(arrived.epoch, arrived.seq - 1)
            self._is_joining = False
        if arrived.epoch > self.position.epoch:
            # A new worker numbers from 1; nothing of the old one counts any more.
            self.position = OutputPosition(arrived.epoch, 0)
            self._early.clear()
            self._discarded_turns |= self._open_turns
            self._open_turns.clear()
        if arrived.seq <= self.position.seq:
            return []
        self._early[arrived.seq] = arrived
        ordered: list[Frame] = []
        while (following := self._early.pop(self.position.seq + 1, None)) is not None:
            self.position = OutputPosition(following.epoch, following.seq)
            if isinstance(following, NumberedFrame):
                ordered += self._with_restarts(following.frame)
        return ordered

    def _with_restarts(self, frame: Frame) -> list[Frame]:
        """Return the frame, after the restarts that had to be told before it."""
        match frame:
            case TurnRestarted(turn=turn):
                self._discarded_turns.discard(turn)
                self._open_turns.discard(turn)
            case ReplyAudio(turn=turn) | Transcript(turn=turn) if turn > self._ended_through:
                self._open_turns.add(turn)
            case TurnEnd(turn=turn):
                self._open_turns.discard(turn)
                self._ended_through = max(self._ended_through, turn)
            case _:
                pass
        restarts: list[Frame] = [TurnRestarted(turn) for turn in sorted(self._discarded_turns)]
        self._discarded_turns.clear()
        return [*restarts, frame]
