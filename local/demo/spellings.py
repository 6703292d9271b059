"""Spells numbers, times and a few words in one way, so that transcripts can be compared."""

import re

from local.gemini.mind.languages import DEFAULT, languages

_SPELLINGS = (
    (r"\b([ap])\.? ?m\b\.?", r"\1m"),
    (r"(?<=\d) o'?clock\b|(?<=\d):00\b", ""),
    (r"(?<=\d)(?:st|nd|rd)\b", "th"),
    (r"\bto-(?=day|morrow|night)", "to"),
    (r"\bgood[ -]?bye?\b", "goodbye"),
    (r"\bdr\b\.?", "doctor"),
    (r"\bokay\b", "ok"),
)


def in_one_spelling(text: str) -> str:
    """Return a text in lower case in which "three", "3", "3:00" and "three o'clock" are "3"."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    text = languages()[DEFAULT].numbers.as_digits(text)
    for pattern, spelling in _SPELLINGS:
        text = re.sub(pattern, spelling, text)
    return text
