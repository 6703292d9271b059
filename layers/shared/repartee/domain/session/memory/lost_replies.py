"""Says again what a client missed and nobody holds any more: as text at once, then by voice."""

from dataclasses import dataclass, field

from repartee.domain.protocol.frames import ReplyLost
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.memory.keeper import MemoryKeeper
from repartee.domain.session.model.cues import Cues

# A client acknowledges the end of a turn at once; above a cold start of the message function.
ACKNOWLEDGED_WITHIN_MS = 3_000

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
    _client: ClientLink
    _cues: Cues
    _earlier: set[int] = field(init=False)
    _to_repeat: set[int] = field(default_factory=set)
    _shown: set[int] = field(default_factory=set)
    _waits_until_ms: int | None = None

    def __post_init__(self) -> None:
        self._earlier = {turn.number for turn in self._keeper.undelivered.turns}

    @property
    def _outbox(self) -> Outbox:
        return self._client.outbox

    def start(self, now_ms: int) -> None:
        """Begin to wait for what the client says of the workers before this one."""
        self._waits_until_ms = now_ms + ACKNOWLEDGED_WITHIN_MS

    def expire(self, now_ms: int) -> None:
        """Take as missed what a client that stayed connected has not acknowledged in time.

        Its connection outlived a worker that could not post any more, so it sends no ``hello``.
        """
        waits_until_ms = self.next_deadline_ms()
        if waits_until_ms is not None and now_ms >= waits_until_ms:
            self._miss_earlier()
            self._show(self._to_repeat)

    def next_deadline_ms(self) -> int | None:
        """Return when a client that is connected has had time enough."""
        is_waiting = self._earlier and self._client.connection_id is not None
        return self._waits_until_ms if is_waiting else None

    def show_missed(self, resume_from: OutputPosition | None, *, is_lost: bool) -> None:
        """Show a client that came back what it missed.

        Args:
            resume_from: Where its ``hello`` says that its output ends.
            is_lost: Output of this worker that the client asks for is held no more.
        """
        self._keeper.undelivered.acknowledge(resume_from or OutputPosition(0, 0))
        self._miss_earlier()
        if is_lost:
            self._to_repeat |= self._outbox.lost_turns()
        self._show(self._to_repeat)

    def repeat_aloud(self) -> None:
        """Have the model say what was lost, once.

        A client that is only too slow is shown the text: said again, it would be lost again.
        """
        # Turns that were interrupted or restarted since are not missed any more.
        self._to_repeat = {turn for turn in self._to_repeat if self._is_missed(turn)}
        self._show(self._to_repeat | self._outbox.unposted_turns())
        said = {turn: text for turn in self._to_repeat if (text := self._keeper.reply_text(turn))}
        for turn in said:
            self._to_repeat.discard(turn)
            self._outbox.forget_lost(turn)
            self._keeper.note_repeat(turn)
        if said:
            texts = " ".join(said[turn] for turn in sorted(said))
            self._cues.queue(SAY_AGAIN.format(texts))

    def _miss_earlier(self) -> None:
        undelivered = self._keeper.undelivered
        missed = self._earlier & {turn.number for turn in undelivered.turns}
        undelivered.mark_missed(missed)
        self._earlier.clear()
        self._to_repeat |= missed

    def _is_missed(self, turn: int) -> bool:
        return self._keeper.undelivered.is_missed(turn) or self._outbox.has_lost(turn)

    def _show(self, turns: set[int]) -> None:
        """Show what was said in the turns that are over; of the others it is not known yet."""
        for turn in sorted(turns - self._shown):
            if (said := self._keeper.reply_text(turn)) is not None:
                self._outbox.offer(ReplyLost(turn, said))
                self._shown.add(turn)
