"""Checks whether an identity provider's ``sub`` claim can be used as a user id."""

import unicodedata

from repartee.domain.text.characters import is_visible

# OpenID Connect Core 1.0, section 2: sub MUST NOT exceed 255 ASCII characters. At four bytes per
# character that fits into the 2,048 bytes of a DynamoDB partition key.
MAX_CHARACTERS = 255
# Logs, keys and headers do not carry control characters and lone surrogates unchanged.
_REFUSED_CATEGORIES = ("Cc", "Cs")


def user_id_problem(subject: str) -> str | None:
    """Return why ``subject`` cannot be used as a user id, or None if it can."""
    if len(subject) > MAX_CHARACTERS:
        return f"has {len(subject)} characters: at most {MAX_CHARACTERS} are allowed"
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in subject):
        return "holds a control character"
    if not is_visible(subject):
        return "is empty"
    return None
