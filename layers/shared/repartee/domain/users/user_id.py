"""Which ``sub`` claims of identity providers can stand for a user."""

import unicodedata

from repartee.domain.text.characters import is_visible

# OpenID Connect Core 1.0, section 2: sub MUST NOT exceed 255 ASCII characters. Four bytes for each
# stay below the 2,048 bytes of a DynamoDB partition key.
MAX_CHARACTERS = 255
# Control characters and halves of surrogate pairs: no log, key or header carries these unchanged.
_REFUSED_CATEGORIES = ("Cc", "Cs")


def user_id_problem(subject: str) -> str | None:
    """Return what makes ``subject`` unusable as a user's id, None when it can be used."""
    if len(subject) > MAX_CHARACTERS:
        return f"has {len(subject)} characters: at most {MAX_CHARACTERS} are allowed"
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in subject):
        return "holds a control character"
    if not is_visible(subject):
        return "is empty"
    return None
