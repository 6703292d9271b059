"""The note taker: summarizes a conversation by a choice of its sentences.

The functions are pure and only copy sentences, so a fact that a summary leaves out is lost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from local.gemini.mind.facts import find_name
from local.gemini.mind.known import Known, Line

MAX_NOTES_CHARACTERS = 1_200
_ASKED = re.compile(r"\bkeep the notes\b")
_NOTES = re.compile(r"\ANotes so far:\n(?P<notes>.*?)\n\nTurns that followed:\n", re.DOTALL)
_TURN = re.compile(r"^Turn \d+, (?P<how>heard|said|found)\b[^:]*: (?P<text>.*)$", re.MULTILINE)
_NAMED = re.compile(r"\bcaller's name is\b")
_WORTH_PATTERNS = (
    (3, re.compile(r"\b(?:booked|moved|cancell?ed|reserved)\b", re.IGNORECASE)),
    (2, re.compile(r"\b(?:want|like|love|prefer|please|need|remember|my)\b", re.IGNORECASE)),
    (1, re.compile(r"\d")),
)
_ROLES = {"heard": "user", "said": "model", "found": "tool"}


@dataclass(frozen=True, slots=True)
class _Note:
    place: int
    worth: int
    text: str


def is_asked(instruction: str) -> bool:
    """Return whether the instruction asks for notes."""
    return bool(_ASKED.search(instruction))


def take_notes(material: str) -> str:
    """Return new notes: the name, then the most important sentences in their order."""
    found = _NOTES.match(material)
    before = found["notes"] if found and found["notes"] != "(none)" else ""
    turns = [
        Line(_ROLES[turn["how"]], turn["text"])
        for turn in _TURN.finditer(material, found.end() if found else 0)
    ]
    name = find_name(Known(before, (), turns))
    opening = [f"The caller's name is {name}."] if name else []
    room = MAX_NOTES_CHARACTERS - sum(map(len, opening))
    kept = _choose(_candidates(before, turns), room)
    return " ".join([*opening, *(note.text for note in kept)]) or "Nothing worth noting was said."


def _candidates(before: str, turns: Sequence[Line]) -> list[_Note]:
    texts = [(1, sentence) for sentence in _sentences(before) if not _NAMED.search(sentence)]
    for turn in turns:
        for sentence in _sentences(turn.text):
            if turn.role == "user":
                texts.append((0, f'The caller said: "{sentence}"'))
            elif not sentence.endswith("?"):
                texts.append((0, sentence))
    notes = [
        _Note(
            place, more + sum(worth for worth, tells in _WORTH_PATTERNS if tells.search(text)), text
        )
        for place, (more, text) in enumerate(dict.fromkeys(texts))
    ]
    return [note for note in notes if note.worth]


def _choose(notes: Sequence[_Note], room: int) -> list[_Note]:
    kept = []
    for note in sorted(notes, key=lambda note: (note.worth, note.place), reverse=True):
        if len(note.text) + 1 <= room:
            room -= len(note.text) + 1
            kept.append(note)
    return sorted(kept, key=lambda note: note.place)


def _sentences(text: str) -> list[str]:
    """Split a text into sentences; full stops in "p.m." or within quotes do not end one."""
    pieces = re.split(r'(?<=[.!?"])\s+(?=[A-Z])|\n+', text.strip())
    return [piece.strip() for piece in pieces if piece.strip()]
