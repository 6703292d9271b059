from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.identity import UserId
from http_api.problem_kinds import may_answer
from http_api.problems import Problem
from http_api.values import ConversationId, Moment, PageLimit
from repartee.domain.conversation.conversation import Turn

router = APIRouter()


class Heard(BaseModel):
    """The model's transcript of the user; it can be wrong, even in another language."""

    text: str
    verified: Literal[False] = False


class Said(BaseModel):
    """The text that was played to the user; approximate if the user interrupted it."""

    text: str
    approximate: bool


class ToolCallView(BaseModel):
    """A tool call of a turn."""

    name: str
    status: str
    answer: str


class TurnView(BaseModel):
    """One stored turn; ``shortened`` if it was longer than a turn may be."""

    number: int
    session_id: str
    started_at: Moment
    ended_at: Moment
    heard: Heard
    said: Said
    shortened: bool
    skipped_messages: int
    tool_calls: list[ToolCallView]
    first_audio_ms: int | None
    tokens_in: int
    tokens_out: int
    cost_usd: float

    @classmethod
    def of(cls, turn: Turn) -> Self:
        """Show ``turn``."""
        return cls(
            number=turn.number,
            session_id=turn.session_id,
            started_at=turn.started_at_ms,
            ended_at=turn.ended_at_ms,
            heard=Heard(text=turn.heard),
            said=Said(text=turn.said, approximate=turn.said_is_approximate),
            shortened=turn.is_shortened,
            skipped_messages=sum(gap.last_seq - gap.first_seq + 1 for gap in turn.skipped),
            tool_calls=[
                ToolCallView(name=call.name, status=call.status, answer=call.answer)
                for call in turn.tool_calls
            ],
            first_audio_ms=turn.first_audio_ms,
            tokens_in=turn.usage.tokens_in,
            tokens_out=turn.usage.tokens_out,
            cost_usd=float(turn.cost_usd),
        )


class TurnList(BaseModel):
    """Turns in order.

    Attributes:
        next_after: The value of ``after`` for the next turns; null if there are none.
    """

    turns: list[TurnView]
    next_after: int | None


@router.get("/conversations/{conversation_id}/turns", responses=may_answer("conversation_unknown"))
def list_turns(
    deps: Dependencies,
    user_id: UserId,
    conversation_id: ConversationId,
    after: Annotated[int, Query(ge=0, le=99_999_999)] = 0,
    limit: PageLimit = 20,
) -> TurnList:
    """List a conversation's turns."""
    turns = deps.reader.list_turns(user_id, conversation_id, after=after, limit=limit + 1)
    if turns is None:
        raise Problem("conversation_unknown")
    page = turns[:limit]
    return TurnList(
        turns=[TurnView.of(turn) for turn in page],
        next_after=page[-1].number if len(turns) > limit else None,
    )
