"""Notes that users ask the desk to keep about them, across conversations."""

from collections.abc import Iterable
from dataclasses import dataclass

from repartee.domain.errors import ReparteeError

MAX_NOTE_CHARACTERS = 300
MAX_NOTES = 100
# Notes in each prompt: about 500 tokens, so at least the newest 6.
MAX_FACTS_CHARACTERS = 2_000
# The most notes that are loaded for a prompt; about as many short ones fit.
MAX_FACTS = 30


@dataclass(frozen=True, slots=True)
class Note:
    """A note about a user.

    Attributes:
        note_id: A ULID, so that notes sort by age.
        noted_at_ms: Unix time in ms.
    """

    note_id: str
    text: str
    noted_at_ms: int


class NotesFull(ReparteeError):
    """The user already has ``MAX_NOTES`` notes."""


class NoteUnknown(ReparteeError):
    """The user has no note with this id."""


def facts(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return the texts of the newest notes that fit ``MAX_FACTS_CHARACTERS``.

    Args:
        notes: Newest first.
    """
    texts: list[str] = []
    left = MAX_FACTS_CHARACTERS
    for note in notes:
        left -= len(note.text)
        if left < 0:
            break
        texts.append(note.text)
    return tuple(texts)
