"""Says again what a client missed and nobody holds any more: as text at once, then by voice."""

from dataclasses import dataclass, field

from repartee.domain.frames import ReplyLost
from repartee.domain.messages import Hello, Numbered, OutputPosition
from repartee.domain.session.cues import Cues
from repartee.domain.session.memory_keeper import MemoryKeeper
from repartee.domain.session.outbox import Outbox

SAY_AGAIN = (
    "(The user's line was lost and your last reply not heard. Say it again, word for word: {})"
)


@dataclass(slots=True)
class LostReplies:
    """Replies of which the client lacks audio that nobody holds any more.

    Some may be of workers before this one, committed undelivered. Those of this worker were too
    long for what is kept of them.
    """

    _keeper: MemoryKeeper
    _outbox: Outbox
    _cues: Cues
    _earlier: set[int] = field(init=False)
    _missed: set[int] = field(default_factory=set)
    _to_say: set[int] = field(default_factory=set)
    _shown: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._earlier = {turn.number for turn in self._keeper.undelivered.turns}

    def greet(self, hello: Numbered, *, is_lost: bool) -> None:
        """Tell a client that came back what it missed.

        Args:
            hello: What the client sent; nothing follows from any other message.
            is_lost: Output of this worker that the client asks for is held no more.
        """
        if not isinstance(hello.message, Hello):
            return
        undelivered = self._keeper.undelivered
        undelivered.acknowledge(hello.message.resume_from or OutputPosition(0, 0))
        missed = self._earlier & {turn.number for turn in undelivered.turns}
        undelivered.miss(missed)
        self._earlier.clear()
        self._missed |= missed
        self._to_say |= missed
        if is_lost:
            self._to_say |= self._outbox.lost()
        self._show(self._to_say)

    def say_again(self) -> None:
        """Have the model say what was lost, once.

        A client that is only too slow is shown the text: said again, it would be lost again.
        """
        # Turns that were interrupted since, or have begun anew, are not missed any more.
        self._to_say = {turn for turn in self._to_say if self._is_missed(turn)}
        self._show(self._to_say | self._outbox.unposted())
        said = {turn: text for turn in self._to_say if (text := self._keeper.said(turn))}
        for turn in said:
            self._to_say.discard(turn)
            self._outbox.forget_lost(turn)
            self._keeper.repeat(turn)
        if said:
            texts = " ".join(said[turn] for turn in sorted(said))
            self._cues.want(SAY_AGAIN.format(texts))

    def _is_missed(self, turn: int) -> bool:
        return turn in self._missed or self._outbox.has_lost(turn)

    def _show(self, turns: set[int]) -> None:
        """Show what was said in the turns that are over; of the others it is not known yet."""
        for turn in sorted(turns - self._shown):
            if (said := self._keeper.said(turn)) is not None:
                self._outbox.offer(ReplyLost(turn, said))
                self._shown.add(turn)
