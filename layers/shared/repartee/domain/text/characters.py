"""Which characters a stored text may hold, and when a text counts as empty.

What a person or a tool writes is refused with advice. What a model writes is cleaned, because
nobody could correct it. Marks, joiners, variation selectors and direction marks belong to many
scripts and to emoji, so they are allowed; alone they show nothing.
"""

import unicodedata

from repartee.domain.errors import ReparteeError

# The controls that a text may hold.
_LINE_CONTROLS = "\t\n\r"
# They turn the order of all that follows, in whatever the text is shown with. Embeddings and
# isolates stay: phones put them around pasted numbers and names.
_OVERRIDES = frozenset("\u202d\u202e")
# Letters and symbols by their category that show nothing: Hangul fillers and the empty Braille
# pattern.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# Other (control, format, surrogate), marks and separators. Private and unassigned characters are
# not among them: logos, and emoji that are newer than Python's tables.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Mn", "Mc", "Me", "Zs", "Zl", "Zp"})


class TextRefused(ReparteeError, ValueError):
    """A text cannot be stored; the message says what is wrong and what to do."""


def checked_text(text: str, *, may_be_empty: bool = False) -> str:
    """Return ``text`` as it is.

    Raises:
        TextRefused: It holds a character that is refused, or nothing that can be seen.
    """
    for place, character in enumerate(text, start=1):
        if _is_refused(character):
            name = f"U+{ord(character):04X}"
            raise TextRefused(f"character {place} is {name}, which is not allowed: leave it out")
    if not (may_be_empty or is_visible(text)):
        raise TextRefused("there is nothing in it that can be seen: write at least one character")
    return text


def checked_line(text: str) -> str:
    """Return ``text`` in one line: white space of any kind becomes one space, none at the ends.

    Returns "" for a text in which nothing can be seen.

    Raises:
        TextRefused: It holds a character that is refused.
    """
    line = " ".join(checked_text(text, may_be_empty=True).split())
    return line if is_visible(line) else ""


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, so that it cannot pass for the lines after its own."""
    return " ".join(text.split())


def is_visible(text: str) -> bool:
    """Return whether the text holds anything that can be seen, or read aloud."""
    return any(
        unicodedata.category(character) not in _INVISIBLE
        and character not in _BLANK
        and not _is_noncharacter(character)
        for character in text
    )


def has_lone_surrogates(text: str) -> bool:
    """Return whether the text holds one half of a surrogate pair, which UTF-8 cannot write."""
    return any(unicodedata.category(character) == "Cs" for character in text)


def cleaned(text: str) -> str:
    """Return what a model wrote without the characters that are refused.

    White space stays: a piece of a transcript may begin or end with it.
    """
    if text.isprintable():
        # By far the most texts, and what a reply's transcript costs with each piece.
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
    # Unicode 15.1, section 23.7: the last two of each plane, and 32 in the first one.
    number = ord(character)
    return number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF
