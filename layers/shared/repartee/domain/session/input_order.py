"""Puts a client's numbered messages back into order and finds what is missing."""

from dataclasses import dataclass, field

from repartee.domain.conversation import SkippedInput
from repartee.domain.messages import Audio, Numbered

# A cold start spreads the first messages over more than a second, so asking early costs little
# and giving up early would lose speech (docs/adr/0003-audio-path.md).
ASK_AFTER_MS = 300
ASK_AGAIN_MS = 1_000
GIVE_UP_AFTER_MS = 3_000
# How long control that was given up is still looked for.
FORGET_AFTER_MS = 10_000


@dataclass(slots=True)
class InputOrder:
    """The input of one session, from the number after ``through`` on.

    Attributes:
        through: Everything up to here has been taken, or given up.
    """

    through: int
    _held: dict[int, Numbered] = field(default_factory=dict)
    _gap_since_ms: int | None = None
    _ask_at_ms: int = 0
    _given_up_at_ms: dict[int, int] = field(default_factory=dict)

    @property
    def read_after(self) -> int:
        """Return after which number the mailbox may still hold something of use."""
        return min([self.through, *(seq - 1 for seq in self._given_up_at_ms)])

    def add(self, message: Numbered, now_ms: int) -> bool:
        """Hold a message until its turn comes; False when it is a duplicate.

        What was given up comes late: control is still delivered, audio is not, because sound
        out of place is worse than silence.
        """
        seq = message.seq
        if seq in self._given_up_at_ms:
            del self._given_up_at_ms[seq]
            if isinstance(message.message, Audio):
                return False
        elif seq <= self.through or seq in self._held:
            return False
        self._held[seq] = message
        self._note_gap(now_ms)
        return True

    def take(self, now_ms: int) -> list[Numbered]:
        """Return the messages whose turn has come, in order."""
        for seq in [s for s, at in self._given_up_at_ms.items() if now_ms >= at + FORGET_AFTER_MS]:
            del self._given_up_at_ms[seq]
        ready = [self._held.pop(seq) for seq in sorted(self._held) if seq <= self.through]
        while (message := self._held.pop(self.through + 1, None)) is not None:
            self.through += 1
            ready.append(message)
        self._note_gap(now_ms)
        return ready

    def missing(self, now_ms: int) -> SkippedInput | None:
        """Return the first gap when it is time to ask for it."""
        gap = self._gap()
        if gap is None or now_ms < self._ask_at_ms:
            return None
        self._ask_at_ms = now_ms + ASK_AGAIN_MS
        return gap

    def give_up(self, now_ms: int) -> SkippedInput | None:
        """Step over the first gap when it has stood too long; return what was skipped."""
        gap = self._gap()
        if gap is None or self._gap_since_ms is None:
            return None
        if now_ms < self._gap_since_ms + GIVE_UP_AFTER_MS:
            return None
        for seq in range(gap.first_seq, gap.last_seq + 1):
            self._given_up_at_ms[seq] = now_ms
        self.through = gap.last_seq
        self._gap_since_ms = None
        return gap

    def next_deadline_ms(self) -> int | None:
        """Return when ``missing`` or ``give_up`` will have something to say."""
        if self._gap_since_ms is None:
            return None
        return min(self._ask_at_ms, self._gap_since_ms + GIVE_UP_AFTER_MS)

    def rewind(self, through: int) -> None:
        """Take everything after ``through`` once more; the mailbox still has it."""
        self.through = through
        self._held.clear()
        self._given_up_at_ms.clear()
        self._gap_since_ms = None

    def _gap(self) -> SkippedInput | None:
        ahead = [seq for seq in self._held if seq > self.through]
        if not ahead or min(ahead) == self.through + 1:
            return None
        return SkippedInput(self.through + 1, min(ahead) - 1)

    def _note_gap(self, now_ms: int) -> None:
        if self._gap() is None:
            self._gap_since_ms = None
        elif self._gap_since_ms is None:
            self._gap_since_ms = now_ms
            self._ask_at_ms = now_ms + ASK_AFTER_MS
