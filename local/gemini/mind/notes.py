"""The note taker: summarizes a conversation by a choice of its sentences.

The functions are pure and only copy sentences, so a fact that a summary leaves out is lost.
"""

import re

from local.gemini.mind.facts import find_name
from local.gemini.mind.known import Known, Line
from local.gemini.mind.phrases import sentences_of

MAX_NOTES_CHARACTERS = 1_200
_NOTES = re.compile(r"\ANotes so far:\n(?P<notes>.*?)\n\nTurns that followed:\n", re.DOTALL)
_TURN = re.compile(r"^Turn \d+, (?P<how>heard|said|found)\b[^:]*: (?P<text>.*)$", re.MULTILINE)
# Each match adds to the worth of a sentence.
_WORTH = (
    *[r"\b(?:booked|moved|cancell?ed|reserved)\b"] * 3,
    *[r"\b(?:want|like|love|prefer|please|need|remember|my)\b"] * 2,
    r"\d",
)
_ROLES = {"heard": "user", "said": "model", "found": "tool"}


def is_asked(instruction: str) -> bool:
    """Return whether the instruction asks for notes."""
    return "keep the notes" in instruction


def take_notes(material: str) -> str:
    """Return new notes: the name, then the most important sentences in their order."""
    found = _NOTES.match(material)
    before = found["notes"] if found and found["notes"] != "(none)" else ""
    turns = [Line(_ROLES[one["how"]], one["text"]) for one in _TURN.finditer(material)]
    name = find_name(Known(before, (), turns))
    opening = [f"The caller's name is {name}."] if name else []
    worth = {text: 1 + _worth(text) for text in sentences_of(before) if "name is" not in text}
    for turn in turns:
        for sentence in sentences_of(turn.text):
            said = f'The caller said: "{sentence}"' if turn.role == "user" else sentence
            if not sentence.endswith("?") or turn.role == "user":
                worth.setdefault(said, _worth(said))
    room, kept, texts = MAX_NOTES_CHARACTERS - sum(map(len, opening)), set(), list(worth)
    for text in sorted(texts, key=lambda text: (worth[text], texts.index(text)), reverse=True):
        if worth[text] and len(text) < room:
            room -= len(text) + 1
            kept.add(text)
    return " ".join([*opening, *(text for text in texts if text in kept)]) or (
        "Nothing worth noting was said."
    )


def _worth(text: str) -> int:
    return sum(re.search(pattern, text, re.IGNORECASE) is not None for pattern in _WORTH)
