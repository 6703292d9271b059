"""The JSON between the functions stream_agent and core_agent: one request, one answer."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from repartee.domain.calls import CallKey, CallStatus, CoreAnswer, CoreRequest

# A user's id is the issuer's "sub": up to 255 characters (OpenID Connect Core 1.0, section 2).
type _Id = Annotated[str, Field(min_length=1, max_length=255)]


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RequestEvent(_Event):
    """A ``CoreRequest`` as core_agent's event.

    Attributes:
        turn: The conversation's turn in which the call was made, from 1.
        index: Which call of that turn it was, from 1.
    """

    user_id: _Id
    conversation_id: _Id
    session_id: _Id
    epoch: int = Field(ge=0)
    turn: int = Field(ge=1)
    index: int = Field(ge=1)
    question: str
    language: Annotated[str, Field(min_length=2, max_length=35)]
    deadline_ms: int = Field(ge=0)

    @classmethod
    def of(cls, request: CoreRequest) -> Self:
        """Return ``request`` as an event."""
        return cls(
            user_id=request.user_id,
            conversation_id=request.conversation_id,
            session_id=request.session_id,
            epoch=request.epoch,
            turn=request.key.turn,
            index=request.key.index,
            question=request.question,
            language=request.language,
            deadline_ms=request.deadline_ms,
        )

    def request(self) -> CoreRequest:
        """Return the request that the event holds."""
        return CoreRequest(
            user_id=self.user_id,
            conversation_id=self.conversation_id,
            session_id=self.session_id,
            epoch=self.epoch,
            key=CallKey(self.turn, self.index),
            question=self.question,
            language=self.language,
            deadline_ms=self.deadline_ms,
        )


class AnswerEvent(_Event):
    """A ``CoreAnswer`` as core_agent returns it."""

    status: CallStatus
    answer: str
    retryable: bool

    @classmethod
    def of(cls, answer: CoreAnswer) -> dict[str, Any]:
        """Return ``answer`` as what the function returns."""
        event = cls(status=answer.status, answer=answer.answer, retryable=answer.retryable)
        return event.model_dump(mode="json")

    def reply(self) -> CoreAnswer:
        """Return the answer that the event holds."""
        return CoreAnswer(self.status, self.answer, self.retryable)
