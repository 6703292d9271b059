"""What users ask to have remembered about themselves, beyond any one conversation."""

from collections.abc import Iterable
from dataclasses import dataclass

from repartee.domain.errors import ReparteeError

MAX_NOTE_CHARACTERS = 300
MAX_NOTES = 100
# What a model is told without asking: about 500 tokens, so the newest 6 notes at least.
MAX_FACTS_CHARACTERS = 2_000
# As many short ones as that holds.
FACTS_AT_MOST = 30


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to remember.

    Attributes:
        note_id: A ULID, so notes sort by their age.
        noted_at_ms: Unix time in ms.
    """

    note_id: str
    text: str
    noted_at_ms: int


class NotesFull(ReparteeError):
    """The user has ``MAX_NOTES`` notes already."""


class NoteUnknown(ReparteeError):
    """The user has no such note."""


def facts(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return the texts of the newest notes that fit ``MAX_FACTS_CHARACTERS``.

    Args:
        notes: The newest first.
    """
    told: list[str] = []
    left = MAX_FACTS_CHARACTERS
    for note in notes:
        left -= len(note.text)
        if left < 0:
            break
        told.append(note.text)
    return tuple(told)
