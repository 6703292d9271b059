"""Tool calls to core_agent: keys, requests, answers and records."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from repartee.domain.cost.usage import Bill
from repartee.domain.tracing.agent_timing import AgentTiming

ASK_CORE_AGENT = "ask_core_agent"
SET_PREFERENCES = "set_preferences"
END_CALL = "end_call"
# The argument of set_preferences that decides whether a change is stored.
ASKED_BY_USER = "asked_by_user"
# Claims of version 0.1.0 hold the tools' former names.
_RENAMED = {
    "book_appointment": "book",
    "cancel_appointment": "cancel_booking",
    "move_appointment": "move_booking",
}


@dataclass(frozen=True, slots=True)
class ToolCallKey:
    """Identifies a tool call by its position, because a replayed turn gets new Gemini call ids.

    Attributes:
        turn: The number of the call's turn in the conversation, from 1.
        index: The number of the call in that turn, from 1.
    """

    turn: int
    index: int

    def __str__(self) -> str:
        return f"turn#{self.turn:08d}/{self.index}"


def arguments_hash(name: str, arguments_json: str) -> str:
    """Return the SHA-256 of a call's name and arguments, as 64 hexadecimal digits.

    It distinguishes calls with the same key: a replayed turn is transcribed again and may word the
    same request differently. Letter case and spacing are ignored.

    Args:
        name: The tool's name.
        arguments_json: The arguments with sorted keys, as the live model's adapter writes them.
    """
    asked = " ".join(f"{name} {arguments_json}".casefold().split())
    return hashlib.sha256(asked.encode()).hexdigest()


class ToolCallStatus(StrEnum):
    """The outcome of a tool call."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"

    @classmethod
    def _missing_(cls, _value: object) -> "ToolCallStatus":
        """Return ``FAILED`` for a status that only a later version knows."""
        return cls.FAILED


@dataclass(frozen=True, slots=True)
class CoreRequest:
    """One question to core_agent; the ids come from the authorizer, never from the model.

    Attributes:
        epoch: The epoch of the worker that asks; a stale worker's call must not change anything.
        arguments_hash: ``arguments_hash`` of the call; with the key it identifies the call.
        language: BCP 47 tag of the language to answer in.
        deadline_ms: Unix time in ms at which the worker stops waiting for the answer.
        run_id: A unique id of this attempt.
        ended_run_id: The id of an earlier attempt that is known to have ended. Its claim may be
            replaced before it expires.
        traceparent: The W3C trace context of the question; "" if the turn is not traced.
    """

    user_id: str
    conversation_id: str
    session_id: str
    epoch: int
    key: ToolCallKey
    arguments_hash: str
    question: str
    language: str
    deadline_ms: int
    run_id: str = ""
    ended_run_id: str | None = None
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class CoreAnswer:
    """core_agent's answer to one question.

    Attributes:
        answer: One or two sentences, to be spoken unchanged.
        retryable: Whether the same question may succeed later.
        bill: Cost of the run; a repeated answer carries the bill of its original run.
        timing: How long it took; None if the question has no trace context. It is not stored.
    """

    status: ToolCallStatus
    answer: str
    retryable: bool = False
    bill: Bill = field(default_factory=Bill)
    timing: AgentTiming | None = None


@dataclass(frozen=True, slots=True)
class BegunTool:
    """A tool that a run was about to execute; only the stored data shows whether it did.

    Attributes:
        arguments_json: The checked arguments, as JSON text.
    """

    name: str
    arguments_json: str

    @property
    def current_name(self) -> str:
        """Return the name under which the tool can be called now."""
        return _RENAMED.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run of a turn's tool call, which may be incomplete.

    Attributes:
        tools: The tools that can change something and that the run began, in order.
        answer: None when the run was cut off before its answer.
    """

    question: str
    tools: tuple[BegunTool, ...]
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A finished call of core_agent, as stored in the conversation."""

    key: ToolCallKey
    arguments_hash: str
    question: str
    answer: CoreAnswer
    messages_json: str
    finished_at_ms: int
