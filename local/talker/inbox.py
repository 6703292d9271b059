"""Puts the server's numbered frames into order, once each, and drops what a stale worker says."""

from local.talker.decoding import UnknownFrame
from repartee.domain.frames import Frame, NumberedFrame
from repartee.domain.messages import OutputPosition


class Inbox:
    """Frames come in as they may; they leave in the order of ``(epoch, seq)``.

    Attributes:
        position: How far everything has been received.
    """

    def __init__(self) -> None:
        self.position = OutputPosition(epoch=0, seq=0)
        self._early: dict[int, NumberedFrame | UnknownFrame] = {}

    def put(self, arrived: NumberedFrame | UnknownFrame) -> list[Frame]:
        """Take one frame; return those that are now in order, often just this one."""
        if arrived.epoch < self.position.epoch:
            return []
        if arrived.epoch > self.position.epoch:
            # A new worker numbers from 1; nothing of the old one counts any more.
            self.position = OutputPosition(arrived.epoch, 0)
            self._early.clear()
        if arrived.seq <= self.position.seq:
            return []
        self._early[arrived.seq] = arrived
        ordered: list[Frame] = []
        while (following := self._early.pop(self.position.seq + 1, None)) is not None:
            self.position = OutputPosition(following.epoch, following.seq)
            if isinstance(following, NumberedFrame):
                ordered.append(following.frame)
        return ordered
