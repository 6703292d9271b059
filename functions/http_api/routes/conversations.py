from typing import Self

from fastapi import APIRouter
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.identity import UserId
from http_api.values import Moment, PageLimit
from repartee.domain.conversation import Conversation

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
    """The user's conversations, the newest first."""

    conversations: list[ConversationView]


@router.get("/conversations")
def list_conversations(
    deps: Dependencies, user_id: UserId, limit: PageLimit = 20
) -> ConversationList:
    """List the user's conversations."""
    found = deps.reader.list_conversations(user_id, limit=limit)
    return ConversationList(conversations=[ConversationView.of(each) for each in found])
