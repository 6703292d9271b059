"""Compares texts by their words, in every script."""

import unicodedata
from functools import lru_cache

from repartee.domain.text.characters import is_visible


def visible_part(text: str) -> str:
    """Return a text without white space at its ends, or "" if no character is visible."""
    text = text.strip()
    return text if is_visible(text) else ""


def words_of(text: str) -> str:
    """Return a text without punctuation, in a form that is equal for texts of the same words."""
    words = ""
    for character in text:
        letters = letters_of(character)
        if letters != " " or words[-1:] not in ("", " "):
            words += letters
    return words.rstrip()


@lru_cache(maxsize=4_096)
def letters_of(character: str) -> str:
    """Return the letters, digits, marks and symbols of a character in a comparable form.

    Returns a space for white space, and "" for punctuation and invisible characters.
    """
    if character.isspace():
        return " "
    # Decomposed, so that a letter with an accent is equal to the letter followed by the accent.
    parts = unicodedata.normalize("NFKD", character).casefold()
    return "".join(part for part in parts if unicodedata.category(part)[0] in "LNMS")
