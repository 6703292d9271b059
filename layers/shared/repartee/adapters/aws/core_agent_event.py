"""The JSON between the functions stream_agent and core_agent."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest, ToolCallKey, ToolCallStatus
from repartee.domain.tracing.agent_timing import AgentStep, AgentTiming, StepKind

# A user's id is the issuer's "sub": up to 255 characters (OpenID Connect Core 1.0, section 2).
type _Id = Annotated[str, Field(min_length=1, max_length=255)]


class _Event(BaseModel):
    """An event; fields that a later version adds are ignored.

    During a deployment, functions of both versions call each other.
    """

    # Lambda logs an error that nothing catches, and the input holds speech.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class SummaryEvent(_Event):
    """A ``SummaryRequest`` as core_agent's event; its caller does not wait for an answer."""

    kind: Literal["summarise"] = "summarise"
    user_id: _Id
    conversation_id: _Id
    session_id: _Id

    @classmethod
    def of(cls, request: SummaryRequest) -> Self:
        """Return ``request`` as an event."""
        return cls(
            user_id=request.user_id,
            conversation_id=request.conversation_id,
            session_id=request.session_id,
        )

    def request(self) -> SummaryRequest:
        """Return the request that the event holds."""
        return SummaryRequest(self.user_id, self.conversation_id, self.session_id)


class RequestEvent(_Event):
    """A ``CoreRequest`` as core_agent's event; the only one without a ``kind``.

    Attributes:
        turn: The conversation's turn in which the call was made, from 1.
        index: The place of the call in that turn, from 1.
        arguments_hash: Distinguishes calls at the same place; 64 hexadecimal digits.
        run_id: The unique id of this request; "" if the caller does not repeat it.
        ended_run_id: The run id of the request before this one, if that run has ended.
    """

    user_id: _Id
    conversation_id: _Id
    session_id: _Id
    epoch: int = Field(ge=0)
    turn: int = Field(ge=1)
    index: int = Field(ge=1)
    arguments_hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    question: str
    language: Annotated[str, Field(min_length=2, max_length=35)]
    deadline_ms: int = Field(ge=0)
    run_id: Annotated[str, Field(max_length=255)] = ""
    ended_run_id: _Id | None = None

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
            arguments_hash=request.arguments_hash,
            question=request.question,
            language=request.language,
            deadline_ms=request.deadline_ms,
            run_id=request.run_id,
            ended_run_id=request.ended_run_id,
        )

    def request(self) -> CoreRequest:
        """Return the request that the event holds."""
        return CoreRequest(
            user_id=self.user_id,
            conversation_id=self.conversation_id,
            session_id=self.session_id,
            epoch=self.epoch,
            key=ToolCallKey(self.turn, self.index),
            arguments_hash=self.arguments_hash,
            question=self.question,
            language=self.language,
            deadline_ms=self.deadline_ms,
            run_id=self.run_id,
            ended_run_id=self.ended_run_id,
        )


class _Step(_Event):
    kind: StepKind
    name: str
    started_ms: int
    ended_ms: int
    tokens_in: int = 0
    tokens_out: int = 0
    error_type: str = ""


class _Timing(_Event):
    started_ms: int
    ended_ms: int
    steps: tuple[_Step, ...] = ()

    @classmethod
    def of(cls, timing: AgentTiming) -> Self:
        return cls.model_validate(asdict(timing))

    def timing(self) -> AgentTiming:
        steps = (AgentStep(**step.model_dump()) for step in self.steps)
        return AgentTiming(self.started_ms, self.ended_ms, tuple(steps))


class AnswerEvent(_Event):
    """A ``CoreAnswer`` as core_agent returns it.

    Attributes:
        cost_usd: The cost, as text so that no digit is lost.
        timing: Only in the answer to a question with a trace context. Workers of version 0.1.0
            ask none, and refuse unknown fields.
    """

    status: ToolCallStatus
    answer: str
    retryable: bool
    tokens_text_in: int = Field(ge=0)
    tokens_audio_in: int = Field(ge=0)
    tokens_text_out: int = Field(ge=0)
    tokens_audio_out: int = Field(ge=0)
    cost_usd: Decimal = Field(ge=0)
    timing: _Timing | None = None

    @classmethod
    def of(cls, answer: CoreAnswer) -> dict[str, Any]:
        """Return ``answer`` as the function's return value."""
        usage = answer.bill.usage
        event = cls(
            status=answer.status,
            answer=answer.answer,
            retryable=answer.retryable,
            tokens_text_in=usage.text_in,
            tokens_audio_in=usage.audio_in,
            tokens_text_out=usage.text_out,
            tokens_audio_out=usage.audio_out,
            cost_usd=answer.bill.cost_usd,
            timing=_Timing.of(answer.timing) if answer.timing is not None else None,
        )
        return event.model_dump(mode="json", exclude_none=True)

    def reply(self) -> CoreAnswer:
        """Return the answer that the event holds."""
        usage = TokenUsage(
            self.tokens_text_in, self.tokens_audio_in, self.tokens_text_out, self.tokens_audio_out
        )
        return CoreAnswer(
            self.status,
            self.answer,
            self.retryable,
            Bill(usage, self.cost_usd),
            None if self.timing is None else self.timing.timing(),
        )
