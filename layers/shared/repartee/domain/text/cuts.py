"""Truncates a text after a word, or else between two user-perceived characters."""

import re
from unicodedata import category, combining, east_asian_width

# Longer than nearly all words. In scripts without spaces between words, a space counts only close
# to the cut.
_NEAR = 32
_NEAR_WITHOUT_SPACES = 4
# Thai, Lao, Tibetan, Myanmar and Khmer: narrow letters, and no spaces between words.
_WITHOUT_SPACES = re.compile("[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff]")
# Characters that belong to the letter before them although they are no marks by category: the
# vowels SARA AM of Thai and Lao, joining Korean letters, skin tones, and the letters of a flag's
# tag.
_JOINING = re.compile(
    "[\u0e33\u0eb3\u1160-\u11ff\ud7b0-\ud7fb\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_ZERO_WIDTH_JOINER = "\u200d"
_VIRAMA_CLASS = 9
_REGIONAL_INDICATOR = re.compile("[\U0001f1e6-\U0001f1ff]")


def truncate_text(text: str, most: int) -> str:
    """Return the first ``most`` characters of ``text`` at most, or all of it if it fits.

    The result ends after a word, without the space, if one ends near the cut. It is empty if the
    cut divides a first word that ends near it. Otherwise it ends between two user-perceived
    characters, so that an emoji or a letter with its marks stays whole. The rules are the main
    ones of Unicode's annex 29.
    """
    end = max(0, most)
    if len(text) <= end:
        return text
    is_spaced = not (_has_no_spaces(text[end - 1 : end]) or _has_no_spaces(text[end]))
    near = _NEAR if is_spaced else _NEAR_WITHOUT_SPACES
    for place in range(end, max(0, end - near), -1):
        if text[place].isspace():
            return text[:place].rstrip()
    if is_spaced and end < near and any(map(str.isspace, text[end : end + near])):
        # No part of the first word.
        return ""
    while end > 0 and _joins(text, end):
        end -= 1
    return text[:end].rstrip()


def _has_no_spaces(character: str) -> bool:
    wide = bool(character) and east_asian_width(character) in "WF"
    return wide or bool(_WITHOUT_SPACES.match(character))


def _joins(text: str, place: int) -> bool:
    """Return whether the characters before and at ``place`` are one user-perceived character."""
    before, after = text[place - 1], text[place]
    if category(after)[0] == "M" or after == _ZERO_WIDTH_JOINER or _JOINING.match(after):
        return True
    if before == _ZERO_WIDTH_JOINER:
        return True
    if combining(before) == _VIRAMA_CLASS and category(after) == "Lo":
        return True
    if _REGIONAL_INDICATOR.match(after):
        flags = 0
        while flags < place and _REGIONAL_INDICATOR.match(text[place - 1 - flags]):
            flags += 1
        return flags % 2 == 1
    return False
