"""The characters that a stored text may hold, and the test for an empty text.

A text of a person or a tool with a refused character is refused with advice. A text of a model is
cleaned, because the model could not correct it. Marks, joiners, variation selectors and direction
marks belong to many scripts and to emoji, so they are allowed; a text of these alone is empty.
"""

import unicodedata

from repartee.domain.errors import ReparteeError

# Allowed control characters.
_LINE_CONTROLS = "\t\n\r"
# Overrides reverse the order of all text after them, other text included. Embeddings and isolates
# are allowed, because phones put them around pasted numbers and names.
_OVERRIDES = frozenset("\u202d\u202e")
# Letters and symbols by category that are invisible: Hangul fillers and the empty Braille pattern.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# Control, format and surrogate characters, marks and separators. Private and unassigned characters
# count as visible: they may be logos, or emoji that are newer than Python's tables.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Mn", "Mc", "Me", "Zs", "Zl", "Zp"})


class TextRefused(ReparteeError, ValueError):
    """A text cannot be stored; the message names the fault and the correction."""


def checked_text(text: str, *, may_be_empty: bool = False) -> str:
    """Return ``text`` unchanged.

    Raises:
        TextRefused: It holds a refused character, or no visible one.
    """
    for place, character in enumerate(text, start=1):
        if _is_refused(character):
            name = f"U+{ord(character):04X}"
            raise TextRefused(f"character {place} is {name}, which is not allowed: leave it out")
    if not (may_be_empty or is_visible(text)):
        raise TextRefused("the text has no visible character: write at least one")
    return text


def checked_line(text: str) -> str:
    """Return ``text`` as one line, or "" if it has no visible character.

    Each run of white space becomes one space; white space at the ends is removed. Letters and their
    accents are composed (Unicode's form NFC), so that equal texts have equal characters.

    Raises:
        TextRefused: It holds a refused character.
    """
    line = unicodedata.normalize("NFC", " ".join(checked_text(text, may_be_empty=True).split()))
    return line if is_visible(line) else ""


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, so that in a prompt it cannot imitate other lines."""
    return " ".join(text.split())


def is_visible(text: str) -> bool:
    """Return whether the text holds a character that can be seen or read aloud."""
    return any(
        unicodedata.category(character) not in _INVISIBLE
        and character not in _BLANK
        and not _is_noncharacter(character)
        for character in text
    )


def has_lone_surrogates(text: str) -> bool:
    """Return whether the text holds half of a surrogate pair, which UTF-8 cannot encode."""
    return any(unicodedata.category(character) == "Cs" for character in text)


def cleaned(text: str) -> str:
    """Return a model's text without the refused characters.

    White space stays, because a piece of a transcript may start or end with it.
    """
    if text.isprintable():
        # Nearly all texts take this fast path. Each piece of a transcript passes through here.
        return text
    return "".join(
        (" " if character.isspace() else "") if _is_refused(character) else character
        for character in text
    )


def _is_refused(character: str) -> bool:
    if character in _LINE_CONTROLS:
        return False
    return character in _OVERRIDES or unicodedata.category(character) in {"Cc", "Cs"}


def _is_noncharacter(character: str) -> bool:
    # Unicode 15.1, section 23.7: the last two of each plane, and 32 in the first plane.
    number = ord(character)
    return number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
