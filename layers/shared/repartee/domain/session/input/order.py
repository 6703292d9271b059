"""Puts a client's numbered messages into order and finds missing ones."""

from dataclasses import dataclass, field

from repartee.domain.conversation.conversation import SkippedInput
from repartee.domain.protocol.messages import MAX_AHEAD, MAX_IN_FLIGHT, Audio, Numbered, Text
from repartee.domain.protocol.recent_input import (
    MAX_DIGESTS_KEPT,
    SKIPPED_DIGEST,
    InputTaken,
    RecentInput,
    digest_of,
)

# A cold start spreads the first messages over more than a second. So it is cheap to ask early, and
# giving up early would lose speech (docs/adr/0003-audio-path.md).
ASK_FOR_MISSING_AFTER_MS = 300
ASK_FOR_MISSING_EVERY_MS = 1_000
GIVE_UP_AFTER_MS = 3_000
# How long a control message that was given up is still accepted.
FORGET_AFTER_MS = 10_000
# Texts are accepted only as fast as they are answered, because each text is a turn and costs as
# much as a spoken one.
MAX_WAITING_CHARACTERS = 16_000


def too_far_ahead_text(seq: int) -> str:
    """Return the error text for a number that is too far ahead."""
    return (
        f"{seq} is more than {MAX_AHEAD} above the accepted number, so it was dropped: number "
        "messages one by one, wait for accepted, then send it again"
    )


@dataclass(slots=True)
class _Missing:
    """A number that has not arrived, although a later one has."""

    since_ms: int
    ask_at_ms: int

    def ask_again(self, now_ms: int) -> None:
        """Note that the client is asked for it now."""
        self.ask_at_ms = now_ms + ASK_FOR_MISSING_EVERY_MS


@dataclass(slots=True)
class InputOrder:
    """The order of one session's input.

    Attributes:
        through: The last number up to which all messages are taken or given up.
        known: The input that earlier workers have taken.
        max_texts: How many texts may wait for their answers.
        taken_through: The highest value of ``through`` so far, also before a rewind.
    """

    through: int
    known: InputTaken = field(default_factory=InputTaken)
    max_texts: int = MAX_IN_FLIGHT
    taken_through: int = field(init=False)
    _highest: int = field(init=False)
    _received_through: int = field(init=False)
    _forgotten_through: int = field(init=False)
    _held: dict[int, Numbered] = field(default_factory=dict)
    _taken: dict[int, Numbered] = field(default_factory=dict)
    _missing: dict[int, _Missing] = field(default_factory=dict)
    _skipped: set[int] = field(default_factory=set)
    _look_until_ms: dict[int, int] = field(default_factory=dict)
    _digests: dict[int, int] = field(init=False)
    _known_from: int = field(init=False)
    _refused: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._highest = self._received_through = self._forgotten_through = self.through
        self.taken_through = max(self.through, self.known.through)
        recent = self.known.recent
        is_current = recent.through == self.through
        self._digests = dict(enumerate(recent.digests, recent.first)) if is_current else {}
        self._known_from = min(self._digests, default=self.through + 1)

    @property
    def read_after(self) -> int:
        """Return the number after which the mailbox must be read."""
        return min([self._received_through, *(seq - 1 for seq in self._look_until_ms)])

    @property
    def next_seq(self) -> int:
        """Return the number after the highest one that has arrived."""
        return self._highest + 1

    def input_taken_at(self, cursor: int) -> InputTaken:
        """Return the input that is taken, with digests of the last messages up to ``cursor``."""
        first = max(self._known_from, cursor - MAX_DIGESTS_KEPT + 1)
        numbers = range(first, cursor + 1)
        digests = tuple(self._digests.get(seq, SKIPPED_DIGEST) for seq in numbers)
        return InputTaken(self.taken_through, RecentInput(cursor, digests))

    @property
    def has_gap(self) -> bool:
        """Return whether messages are missing that may still arrive."""
        return bool(self._missing)

    @property
    def has_held_messages(self) -> bool:
        """Return whether messages have arrived that are not taken yet."""
        return bool(self._held)

    def is_too_far_ahead(self, seq: int) -> bool:
        """Return whether a number is too far ahead, so that the numbers before it cannot arrive."""
        return seq > self._highest + MAX_AHEAD

    def is_unread(self, seq: int) -> bool:
        """Return whether a message with this number has not been read yet."""
        is_read = seq <= self._received_through or seq in self._held
        return seq in self._look_until_ms or not is_read

    def is_given_up_control(self, message: Numbered) -> bool:
        """Return whether a control message arrives after its number was given up for good."""
        seq = message.seq
        is_behind = self._known_from <= seq <= self.through
        return is_behind and seq not in self._digests and not isinstance(message.message, Audio)

    def refuse(self, seq: int) -> bool:
        """Note that a message is refused; return False if it was refused before."""
        is_first = seq not in self._refused
        self._refused.add(seq)
        return is_first

    def forget_refused(self, present: set[int]) -> None:
        """Forget refused messages that are not in the mailbox any more."""
        self._refused &= present

    def add(self, message: Numbered, now_ms: int) -> bool:
        """Hold a message until it is next; return False if it is not needed.

        Duplicates are not needed. A message that was given up is late: a control message still
        counts, but audio is dropped, because sound in the wrong place is worse than silence.
        """
        seq = message.seq
        if not self.is_unread(seq):
            return False
        if seq in self._look_until_ms:
            del self._look_until_ms[seq]
            if isinstance(message.message, Audio):
                return False
            self._skipped.discard(seq)
        self._held[seq] = message
        self._missing.pop(seq, None)
        for number in range(self._highest + 1, seq):
            self._missing[number] = _Missing(now_ms, now_ms + ASK_FOR_MISSING_AFTER_MS)
        self._highest = max(self._highest, seq)
        while self._received_through + 1 in self._held:
            self._received_through += 1
        return True

    def take(self, now_ms: int) -> list[Numbered | SkippedInput]:
        """Return the next messages in order, with a ``SkippedInput`` for each gap given up."""
        for seq in [seq for seq, until in self._look_until_ms.items() if now_ms >= until]:
            del self._look_until_ms[seq]
        late = sorted(seq for seq in self._held if seq <= self.through)
        ready: list[Numbered | SkippedInput] = [self._take_held(seq) for seq in late]
        while True:
            seq = self.through + 1
            if seq in self._held:
                if not self._has_room_for(self._held[seq]):
                    break
                ready.append(self._take_held(seq))
            elif seq in self._skipped:
                last = ready[-1] if ready else None
                first = seq
                if isinstance(last, SkippedInput):
                    first = last.first_seq
                    ready.pop()
                ready.append(SkippedInput(first, seq))
            else:
                break
            self.through = seq
        self._received_through = max(self._received_through, self.through)
        self.taken_through = max(self.taken_through, self.through)
        return ready

    def take_all(self) -> list[Numbered]:
        """Return all held messages in order, across gaps."""
        return [self._take_held(seq) for seq in sorted(self._held)]

    def missing(self, now_ms: int) -> list[SkippedInput]:
        """Return the missing stretches that the client is asked for now."""
        due = [seq for seq, one in self._missing.items() if now_ms >= one.ask_at_ms]
        for seq in due:
            self._missing[seq].ask_again(now_ms)
        return _stretches(sorted(due))

    def give_up(self, now_ms: int) -> bool:
        """Give up the next numbers if they are missing for too long; return whether any were."""
        seq = self.through + 1
        while (one := self._missing.get(seq)) and now_ms >= one.since_ms + GIVE_UP_AFTER_MS:
            del self._missing[seq]
            self._skipped.add(seq)
            self._look_until_ms[seq] = now_ms + FORGET_AFTER_MS
            seq += 1
        return seq > self.through + 1

    def next_deadline_ms(self) -> int | None:
        """Return when ``missing`` or ``give_up`` is due."""
        asks = [one.ask_at_ms for one in self._missing.values()]
        first = self._missing.get(self.through + 1)
        if first is not None:
            asks.append(first.since_ms + GIVE_UP_AFTER_MS)
        return min(asks, default=None)

    def taken(self, first_seq: int) -> list[Numbered]:
        """Return the messages from ``first_seq`` on that were taken and not forgotten, in order."""
        return [self._taken[seq] for seq in sorted(self._taken) if seq >= first_seq]

    def rewind(self, through: int) -> None:
        """Take the messages after ``through`` again; they must not be forgotten yet."""
        for seq in [seq for seq in self._taken if seq > through]:
            self._held[seq] = self._taken.pop(seq)
        self.through = through

    def forget(self, through: int) -> None:
        """Forget the messages up to ``through``; a ``rewind`` cannot return to them."""
        if through <= self._forgotten_through:
            return
        self._forgotten_through = through
        for seq in [seq for seq in self._taken if seq <= through]:
            del self._taken[seq]
        for seq in [seq for seq in self._digests if seq <= through - MAX_DIGESTS_KEPT]:
            del self._digests[seq]
        self._known_from = max(self._known_from, through - MAX_DIGESTS_KEPT + 1)
        self._skipped = {seq for seq in self._skipped if seq > through}

    def _has_room_for(self, next_one: Numbered) -> bool:
        """Return whether another text may be taken besides those that wait for their answers."""
        if not isinstance(next_one.message, Text):
            return True
        taken = (one.message for one in self._taken.values())
        waiting = [len(message.text) for message in taken if isinstance(message, Text)]
        characters = sum(waiting) + len(next_one.message.text)
        has_room = len(waiting) < self.max_texts and characters <= MAX_WAITING_CHARACTERS
        return has_room or not waiting

    def _take_held(self, seq: int) -> Numbered:
        message = self._held.pop(seq)
        self._digests[seq] = digest_of(message.message)
        if seq > self._forgotten_through:
            self._taken[seq] = message
        return message


def _stretches(seqs: list[int]) -> list[SkippedInput]:
    stretches: list[SkippedInput] = []
    for seq in seqs:
        if stretches and stretches[-1].last_seq == seq - 1:
            stretches[-1] = SkippedInput(stretches[-1].first_seq, seq)
        else:
            stretches.append(SkippedInput(seq, seq))
    return stretches
