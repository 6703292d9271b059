"""Which numbers of a session's input are taken, and a digest of the message that has each."""

import hashlib
from dataclasses import dataclass, field
from enum import Enum, auto

from repartee.domain.protocol.messages import Audio, Hello, Message, Text, Unknown

# A client has 25 messages in flight; 64 leave room for what comes late.
MAX_DIGESTS_KEPT = 64
# One in 4 thousand million other messages passes for a repetition.
DIGEST_BYTES = 4
# Stands for a number that was stepped over: no message has it as its digest.
SKIPPED_DIGEST = 0


class NumberUse(Enum):
    """What a number at or below the cursor stands for, compared with a message that brings it."""

    REPEATED = auto()
    ANOTHER = auto()
    FORGOTTEN = auto()


def digest_of(message: Message | Unknown) -> int:
    """Return a number from 1 to 2**32 - 1 that a repetition of ``message`` shares."""
    match message:
        case Audio(pcm=pcm):
            content = pcm
        case Text(text=text):
            content = text.encode()
        case Hello(resume_from=position, marks_speech=marks_speech):
            content = repr((position, marks_speech)).encode()
        case _:
            content = b""
    named = type(message).__name__.encode() + b"/" + content
    found = int.from_bytes(hashlib.blake2b(named, digest_size=DIGEST_BYTES).digest())
    return found or 1


@dataclass(frozen=True, slots=True)
class RecentInput:
    """The last numbers up to ``through`` that a session has accepted.

    Attributes:
        through: The number of the last digest.
        digests: See ``digest_of``; the oldest first, ``SKIPPED_DIGEST`` where nothing came.
    """

    through: int = 0
    digests: tuple[int, ...] = ()

    @property
    def first(self) -> int:
        """The number of the first digest."""
        return self.through - len(self.digests) + 1

    def use_of(self, seq: int, message: Message | Unknown) -> NumberUse:
        """Compare ``message`` with what its number ``seq`` stands for."""
        if not self.first <= seq <= self.through:
            return NumberUse.FORGOTTEN
        kept = self.digests[seq - self.first]
        if kept == SKIPPED_DIGEST:
            # Sound that comes late is dropped in silence; all else is wanted.
            return NumberUse.REPEATED if isinstance(message, Audio) else NumberUse.ANOTHER
        return NumberUse.REPEATED if kept == digest_of(message) else NumberUse.ANOTHER


@dataclass(frozen=True, slots=True)
class InputTaken:
    """How far a session's worker has taken the input; written with the cursor.

    Attributes:
        through: Everything up to here is taken or given up; what follows may run ahead of it only
            so far.
        recent: What the last numbers up to the cursor were.
    """

    through: int = 0
    recent: RecentInput = field(default_factory=RecentInput)
