"""Says again what a client missed and nobody holds any more: as text at once, then by voice."""

from dataclasses import dataclass

from repartee.domain.frames import ReplyLost
from repartee.domain.messages import Hello, Numbered, OutputPosition
from repartee.domain.session.effects import Effect, SendText
from repartee.domain.session.memory_keeper import MemoryKeeper
from repartee.domain.session.outbox import Outbox

SAY_AGAIN = (
    "(The user's line was lost and your last reply not heard. Say it again, word for word: {})"
)


@dataclass(slots=True)
class LostReplies:
    """The last reply of a worker before this one, where its client did not get all of it.

    Attributes:
        undelivered: Where that reply ended in the session's output, None where nothing is missed.
    """

    undelivered: OutputPosition | None
    _keeper: MemoryKeeper
    _outbox: Outbox
    _effects: list[Effect]
    _unsaid: str = ""

    def acknowledge(self, received: OutputPosition) -> None:
        """Take what the client has received: it may have got the reply after all."""
        if self.undelivered is not None and _order(received) >= _order(self.undelivered):
            self.undelivered = None

    def greet(self, hello: Numbered, *, is_lost: bool) -> None:
        """Tell a client that came back what it missed.

        Args:
            hello: What the client sent; nothing follows from any other message.
            is_lost: Output of this worker that the client asks for is held no more.
        """
        if not isinstance(hello.message, Hello) or not self._keeper.memory.turns:
            return
        self.acknowledge(hello.message.resume_from or OutputPosition(0, 0))
        is_unheard = self.undelivered is not None
        if not (is_lost or is_unheard):
            return
        self.undelivered = None
        last = self._keeper.memory.turns[-1]
        self._outbox.offer(ReplyLost(last.number, last.said))
        if is_unheard:
            self._unsaid = last.said

    def say_again(self) -> bool:
        """Have the model say what was lost, once; True when there was something."""
        unsaid, self._unsaid = self._unsaid, ""
        if unsaid:
            self._effects.append(SendText(SAY_AGAIN.format(unsaid)))
        return bool(unsaid)


def _order(position: OutputPosition) -> tuple[int, int]:
    return position.epoch, position.seq
