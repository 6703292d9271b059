from typing import Self

from fastapi import APIRouter, Response
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.erasing import MAY_ANSWER, ErasureView, RemainingTime
from http_api.identity import UserId
from http_api.paging import Cursor, open_cursor
from http_api.problem_kinds import may_answer
from http_api.values import ConversationId, Moment, PageLimit
from repartee.adapters.cursors import Listing
from repartee.domain.conversation.conversation import Conversation

router = APIRouter()


class ConversationView(BaseModel):
    """A conversation in a list."""

    conversation_id: str
    title: str
    turn_count: int
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, conversation: Conversation) -> Self:
        """Show ``conversation``."""
        return cls(
            conversation_id=conversation.conversation_id,
            title=conversation.title,
            turn_count=conversation.turn_count,
            created_at=conversation.created_at_ms,
            updated_at=conversation.updated_at_ms,
        )


class ConversationList(BaseModel):
    """The user's conversations, the newest first.

    Attributes:
        next_after: The value of ``after`` for older ones; null if there are none.
    """

    conversations: list[ConversationView]
    next_after: str | None


@router.get("/conversations")
def list_conversations(
    deps: Dependencies, user_id: UserId, limit: PageLimit = 20, after: Cursor = None
) -> ConversationList:
    """List the user's conversations, a page at a time.

    They are sorted by their start. A conversation that is started, continued or erased between two
    pages moves no other conversation to another page.
    """
    (before,) = open_cursor(deps, Listing.CONVERSATIONS, user_id, after) or (None,)
    found = deps.reader.list_conversations(user_id, limit=limit + 1, before=before)
    page = [ConversationView.of(each) for each in found[:limit]]
    next_after = None
    if len(found) > limit:
        next_after = deps.cursors.seal(Listing.CONVERSATIONS, user_id, page[-1].conversation_id)
    return ConversationList(conversations=page, next_after=next_after)


@router.delete(
    "/conversations/{conversation_id}",
    responses={**MAY_ANSWER, **may_answer("conversation_unknown")},
)
def erase_conversation(
    deps: Dependencies,
    user_id: UserId,
    conversation_id: ConversationId,
    time: RemainingTime,
    answer: Response,
) -> ErasureView:
    """Erase one conversation; 202 when there is more to do.

    The user's notes, preferences, bookings and usage stay.
    """
    erasure = deps.eraser.erase(
        user_id, remaining_ms=time.remaining_ms, conversation_id=conversation_id
    )
    view = ErasureView.answering(erasure, answer)
    deps.log.info("conversation erased", extra={"finished": view.finished, "deleted": view.deleted})
    return view
