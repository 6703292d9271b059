"""Orders the server's numbered frames, drops duplicates and frames of a replaced worker."""

from repartee_client.events import ReplyAudio, Transcript, TurnEnded, TurnRestarted
from repartee_client.protocol.frames import Frame, NumberedFrame
from repartee_client.protocol.messages import OutputPosition


class ClientInbox:
    """Takes frames in any order and returns them in the order of ``(epoch, seq)``.

    A worker does not continue a turn of its predecessor. When a new epoch begins, the inbox
    returns ``TurnRestarted`` for each open turn, because the frame itself may have been lost with
    its worker.

    Attributes:
        position: All frames up to this position were received.
    """

    def __init__(self) -> None:
        self.position = OutputPosition(epoch=0, seq=0)
        self._waiting: dict[int, NumberedFrame] = {}
        self._open_turns: set[int] = set()
        self._discarded_turns: set[int] = set()
        self._ended_through = 0
        self._is_joining = False

    def join(self) -> None:
        """Begin with the first frame that arrives, because earlier frames went to another client.

        Has no effect if this client has already received a frame.
        """
        self._is_joining = self.position.seq == 0

    def put(self, arrived: NumberedFrame) -> list[Frame]:
        """Add one frame; return the frames that are now in order."""
        if arrived.epoch < self.position.epoch:
            return []
        if self._is_joining:
            self.position = OutputPosition(arrived.epoch, arrived.seq - 1)
            self._is_joining = False
        if arrived.epoch > self.position.epoch:
            # A new worker numbers its frames from 1.
            self.position = OutputPosition(arrived.epoch, 0)
            self._waiting.clear()
            self._discarded_turns |= self._open_turns
            self._open_turns.clear()
        if arrived.seq <= self.position.seq:
            return []
        self._waiting[arrived.seq] = arrived
        ordered: list[Frame] = []
        while (following := self._waiting.pop(self.position.seq + 1, None)) is not None:
            self.position = OutputPosition(following.epoch, following.seq)
            if following.frame is not None:
                ordered += self._with_restarts(following.frame)
        return ordered

    def _with_restarts(self, frame: Frame) -> list[Frame]:
        """Return the frame, preceded by the restarts of its predecessor's open turns."""
        match frame:
            case TurnRestarted(turn=turn):
                self._discarded_turns.discard(turn)
                self._open_turns.discard(turn)
            case ReplyAudio(turn=turn) | Transcript(turn=turn) if turn > self._ended_through:
                self._open_turns.add(turn)
            case TurnEnded(turn=turn):
                self._open_turns.discard(turn)
                self._ended_through = max(self._ended_through, turn)
            case _:
                pass
        restarts: list[Frame] = [TurnRestarted(turn) for turn in sorted(self._discarded_turns)]
        self._discarded_turns.clear()
        return [*restarts, frame]
