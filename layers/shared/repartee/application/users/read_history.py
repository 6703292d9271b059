"""Read what a conversation remembers, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from repartee.domain.conversation.conversation import Turn
from repartee.ports.conversations import ConversationReader


@dataclass(frozen=True, slots=True)
class TurnPage:
    """Consecutive turns of a conversation.

    Attributes:
        next_after: Ask for turns after this one to go on; None when these were the last.
    """

    turns: Sequence[Turn]
    next_after: int | None


def read_turns(
    reader: ConversationReader, user_id: str, conversation_id: str, *, after: int, limit: int
) -> TurnPage | None:
    """Return up to ``limit`` turns numbered above ``after``; None for no such conversation.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    turns = reader.list_turns(user_id, conversation_id, after=after, limit=limit + 1)
    if turns is None:
        return None
    page = turns[:limit]
    return TurnPage(page, page[-1].number if len(turns) > limit else None)
