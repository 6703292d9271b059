"""How a conversation gets its title."""

from repartee.domain.text.characters import is_visible
from repartee.domain.text.cuts import truncate_text

MAX_TITLE_WORDS = 8
MAX_TITLE_CHARACTERS = 60


def title_from(heard: str) -> str:
    """Return the first words of ``heard``, "" when nothing was heard.

    A cut title ends with an ellipsis; the ellipsis counts towards ``MAX_TITLE_CHARACTERS``.
    """
    whole = " ".join(heard.split())
    if not is_visible(whole):
        return ""
    title = " ".join(whole.split(" ")[:MAX_TITLE_WORDS])
    if title == whole and len(title) <= MAX_TITLE_CHARACTERS:
        return title
    return truncate_text(title, MAX_TITLE_CHARACTERS - 1).rstrip(" ,.;:!?、。") + "…"
