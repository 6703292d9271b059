"""The recent numbers of a session's input, with a digest of the message behind each number."""

import hashlib
from dataclasses import dataclass, field
from enum import Enum, auto

from repartee.domain.protocol.messages import STOP, Audio, Hello, Message, Stop, Text, Unknown

# A client has 25 messages in flight; 64 leave room for late ones.
MAX_DIGESTS_KEPT = 64
# The chance that another message is mistaken for a repetition is 1 in 2**32.
DIGEST_BYTES = 4
# Marks a number that was skipped. No message has this digest.
SKIPPED_DIGEST = 0


class NumberUse(Enum):
    """How a message relates to the earlier use of its number."""

    REPEATED = auto()
    ANOTHER = auto()
    FORGOTTEN = auto()


def digest_of(message: Message | Unknown) -> int:
    """Return the digest of ``message``, from 1 to 2**32 - 1; a repetition has the same digest."""
    match message:
        case Audio(pcm=pcm):
            content = pcm
        case Text(text=text):
            content = text.encode()
        case Stop():
            # Workers before 0.2.0 read and record it as unknown.
            return digest_of(Unknown(STOP))
        case Hello(resume_from=position, marks_speech=marks_speech):
            # Digests of 0.1.0 do not include later fields.
            content = repr((position, marks_speech)).encode()
        case _:
            content = b""
    named = type(message).__name__.encode() + b"/" + content
    found = int.from_bytes(hashlib.blake2b(named, digest_size=DIGEST_BYTES).digest())
    return found or 1


@dataclass(frozen=True, slots=True)
class RecentInput:
    """The last numbers that a session has accepted or skipped.

    Attributes:
        through: The number of the last digest.
        digests: Digests of the messages, oldest first, ``SKIPPED_DIGEST`` for a skipped number.
    """

    through: int = 0
    digests: tuple[int, ...] = ()

    @property
    def first(self) -> int:
        """The number of the first digest."""
        return self.through - len(self.digests) + 1

    def use_of(self, seq: int, message: Message | Unknown) -> NumberUse:
        """Compare ``message`` with the message that had its number ``seq``."""
        if not self.first <= seq <= self.through:
            return NumberUse.FORGOTTEN
        kept = self.digests[seq - self.first]
        if kept == SKIPPED_DIGEST:
            # Late audio is dropped without an error. Other late messages are used.
            return NumberUse.REPEATED if isinstance(message, Audio) else NumberUse.ANOTHER
        return NumberUse.REPEATED if kept == digest_of(message) else NumberUse.ANOTHER


@dataclass(frozen=True, slots=True)
class InputTaken:
    """The worker's progress in the input; it is written together with the cursor.

    Attributes:
        through: All messages up to here are taken or skipped. It bounds how far ahead the client's
            numbers may run.
        recent: The last numbers up to the cursor.
    """

    through: int = 0
    recent: RecentInput = field(default_factory=RecentInput)
