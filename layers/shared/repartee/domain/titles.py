"""How a conversation gets its title."""

from repartee.domain.text_cuts import cut_at
from repartee.domain.texts import is_visible

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
    return cut_at(title, MAX_TITLE_CHARACTERS - 1).rstrip(" ,.;:!?、。") + "…"
