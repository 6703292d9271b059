"""Calls of core_agent: their keys, requests and answers."""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from repartee.domain.cost.usage import Bill

ASK_CORE_AGENT = "ask_core_agent"
SET_PREFERENCES = "set_preferences"
END_CALL = "end_call"
# The argument of set_preferences that decides whether a change is stored.
ASKED_BY_USER = "asked_by_user"


@dataclass(frozen=True, slots=True)
class ToolCallKey:
    """Names a tool call by its place, because a replayed turn makes new Gemini call ids.

    Attributes:
        turn: The conversation's turn in which the call was made, from 1.
        index: Which call of that turn it was, from 1.
    """

    turn: int
    index: int

    def __str__(self) -> str:
        return f"turn#{self.turn:08d}/{self.index}"


def arguments_hash(name: str, arguments_json: str) -> str:
    """Return what tells one call of a place from another: SHA-256, as 64 hexadecimal digits.

    A replayed turn is heard anew and may word the same wish differently; case and spaces alone
    make no other wish.

    Args:
        name: The tool's.
        arguments_json: Its arguments with sorted keys, as the live model's adapter writes them.
    """
    asked = " ".join(f"{name} {arguments_json}".casefold().split())
    return hashlib.sha256(asked.encode()).hexdigest()


class ToolCallStatus(StrEnum):
    """How a call ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"

    @classmethod
    def _missing_(cls, _value: object) -> "ToolCallStatus":
        """Take a status that only a later version knows for a failure: it is no success here."""
        return cls.FAILED


@dataclass(frozen=True, slots=True)
class CoreRequest:
    """One question to core_agent; the ids come from the authorizer, never from the model.

    Attributes:
        epoch: The asking worker's epoch; a stale worker's call may not change anything.
        arguments_hash: ``arguments_hash`` of the call; with the key it names what is asked.
        language: BCP 47 tag of the language to answer in.
        deadline_ms: Unix time in ms after which nobody waits for the answer any more.
        run_id: Tells this asking from every other one.
        ended_run_id: The asking before this one, if it is known that nothing of it goes on: its
            claim need not run out first.
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


@dataclass(frozen=True, slots=True)
class CoreAnswer:
    """What core_agent found or did.

    Attributes:
        answer: One or two sentences to be spoken as they are.
        retryable: Whether asking the same again may succeed.
        bill: What finding it out cost; a repeated answer carries the bill of the run it is from.
    """

    status: ToolCallStatus
    answer: str
    retryable: bool = False
    bill: Bill = field(default_factory=Bill)


@dataclass(frozen=True, slots=True)
class BegunTool:
    """A tool that a run was about to run; whether it did is for the data to say.

    Attributes:
        arguments_json: Its checked arguments, as JSON text.
    """

    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run of a turn's call, as far as it came.

    Attributes:
        tools: The tools that can change something and that it began, in order.
        answer: None when it was cut off before it had one.
    """

    question: str
    tools: tuple[BegunTool, ...]
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A finished call of core_agent as the conversation remembers it."""

    key: ToolCallKey
    arguments_hash: str
    question: str
    answer: CoreAnswer
    messages_json: str
    finished_at_ms: int
