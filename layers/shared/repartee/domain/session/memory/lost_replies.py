"""Repeats replies that the client missed and no worker buffers: first as text, then by voice."""

from dataclasses import dataclass, field

from repartee.domain.protocol.frames import ReplyLost
from repartee.domain.protocol.messages import OutputPosition
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.memory.commits import MemoryKeeper
from repartee.domain.session.model.cues import Cues

# A client acknowledges the end of a turn at once, but the message function may start cold.
ACKNOWLEDGED_WITHIN_MS = 3_000

SAY_AGAIN = (
    "(The connection broke and the user did not hear your last reply. "
    "Say it again, word for word: {})"
)


@dataclass(slots=True)
class LostReplies:
    """The replies of which the client lacks audio that is no longer buffered.

    They are replies of earlier workers that were committed before they were delivered, or replies
    of this worker that did not fit into the outbox.
    """

    _keeper: MemoryKeeper
    _client: ClientLink
    _cues: Cues
    _earlier_turns: set[int] = field(init=False)
    _to_repeat: set[int] = field(default_factory=set)
    _shown: set[int] = field(default_factory=set)
    _waits_until_ms: int | None = None

    def __post_init__(self) -> None:
        self._earlier_turns = {turn.number for turn in self._keeper.undelivered.turns}

    @property
    def _outbox(self) -> Outbox:
        return self._client.outbox

    def start(self, now_ms: int) -> None:
        """Start waiting for acknowledgements of earlier workers' output."""
        self._waits_until_ms = now_ms + ACKNOWLEDGED_WITHIN_MS

    def expire(self, now_ms: int) -> None:
        """Treat earlier turns as missed if a connected client did not acknowledge them in time.

        Such a client sends no ``hello``, because its connection outlived the earlier worker.
        """
        waits_until_ms = self.next_deadline_ms()
        if waits_until_ms is not None and now_ms >= waits_until_ms:
            self._mark_earlier_missed()
            self._show(self._to_repeat)

    def next_deadline_ms(self) -> int | None:
        """Return when the time of a connected client to acknowledge earlier turns is over."""
        is_waiting = self._earlier_turns and self._client.connection_id is not None
        return self._waits_until_ms if is_waiting else None

    def show_missed(self, resume_from: OutputPosition | None, *, is_lost: bool) -> None:
        """Send a returning client the text of the replies that it missed.

        Args:
            resume_from: The last output that the client has, according to its ``hello``.
            is_lost: Whether the client lacks output of this worker that is no longer buffered.
        """
        self._keeper.acknowledge(resume_from or OutputPosition(0, 0))
        self._mark_earlier_missed()
        if is_lost:
            self._to_repeat |= self._outbox.lost_turns()
        self._show(self._to_repeat)

    def repeat_aloud(self) -> None:
        """Make the model say lost replies again, each once.

        A client that is too slow gets only the text, because it would lose the audio again.
        """
        # Turns that were interrupted or restarted in the meantime are not repeated.
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

    def _mark_earlier_missed(self) -> None:
        undelivered = self._keeper.undelivered
        missed = self._earlier_turns & {turn.number for turn in undelivered.turns}
        undelivered.mark_missed(missed)
        self._earlier_turns.clear()
        self._to_repeat |= missed

    def _is_missed(self, turn: int) -> bool:
        return self._keeper.undelivered.is_missed(turn) or self._outbox.has_lost(turn)

    def _show(self, turns: set[int]) -> None:
        """Send the text of the turns that are over; the text of others is not complete."""
        for turn in sorted(turns - self._shown):
            if (said := self._keeper.reply_text(turn)) is not None:
                self._outbox.offer(ReplyLost(turn, said))
                self._shown.add(turn)
