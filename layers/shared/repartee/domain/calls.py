"""Calls of core_agent: their keys, requests and answers."""

from dataclasses import dataclass
from enum import StrEnum

ASK_CORE_AGENT = "ask_core_agent"
SET_LANGUAGE = "set_language"
END_CALL = "end_call"


@dataclass(frozen=True, slots=True)
class CallKey:
    """Names a tool call by its place, because a replayed turn makes new Gemini call ids.

    Attributes:
        turn: The conversation's turn in which the call was made, from 1.
        index: Which call of that turn it was, from 1.
    """

    turn: int
    index: int

    def __str__(self) -> str:
        return f"turn#{self.turn:08d}/{self.index}"


class CallStatus(StrEnum):
    """How a call ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class CoreRequest:
    """One question to core_agent; the ids come from the authorizer, never from the model.

    Attributes:
        epoch: The asking worker's epoch; a stale worker's call may not change anything.
        language: BCP 47 tag of the language to answer in.
        deadline_ms: Unix time in ms after which nobody waits for the answer any more.
    """

    user_id: str
    conversation_id: str
    session_id: str
    epoch: int
    key: CallKey
    question: str
    language: str
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class CoreAnswer:
    """What core_agent found or did.

    Attributes:
        answer: One or two sentences to be spoken as they are.
        retryable: Whether asking the same again may succeed.
    """

    status: CallStatus
    answer: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A finished call of core_agent as the conversation remembers it."""

    key: CallKey
    question: str
    answer: CoreAnswer
    messages_json: str
    finished_at_ms: int
