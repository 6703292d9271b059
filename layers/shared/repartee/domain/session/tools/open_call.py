"""Holds a tool call from its start until the model has the answer."""

from dataclasses import dataclass, field

from repartee.domain.conversation.conversation import ToolCall
from repartee.domain.session.state import PendingCall
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey, arguments_hash


@dataclass(slots=True)
class OpenToolCall:
    """A call that is running, or whose answer the model has not received.

    Attributes:
        key: The key of the call for core_agent.
        deadline_ms: When the model gets an apology instead of the answer.
        turn: The newest turn that made the call. It may be later than the turn of the key.
        call_ids: The model's ids of the call. They share one run, and each gets the answer.
        is_orphan: Whether the Live session of the call is lost or has cancelled the call. Then the
            model gets the answer as text.
        has_no_input: Whether its turn had no input, so that a replay of the turn does not make it
            again.
        owed_answer: The answer that the model has not received, None without one.
        is_recorded: Whether the call is recorded in a turn.
        is_answered: Whether the model has the answer, under another id of the same turn.
    """

    key: ToolCallKey
    name: str
    arguments_json: str
    deadline_ms: int
    turn: int
    call_ids: list[str] = field(default_factory=list)
    is_orphan: bool = False
    has_no_input: bool = False
    owed_answer: CoreAnswer | None = None
    is_recorded: bool = False
    is_answered: bool = False

    @property
    def arguments_hash(self) -> str:
        """Return the hash that distinguishes calls with the same key."""
        return arguments_hash(self.name, self.arguments_json)

    def add_call_id(self, call_id: str, turn: int) -> None:
        """Add another id of the same call, which also gets the answer."""
        self.call_ids.append(call_id)
        self.turn, self.is_orphan = turn, False

    def drop_call_ids(self, call_ids: tuple[str, ...]) -> bool:
        """Drop cancelled ids; return whether they were the last ones."""
        had_ids = bool(self.call_ids)
        self.call_ids = [one for one in self.call_ids if one not in call_ids]
        return had_ids and not self.call_ids

    def owe(self, answer: CoreAnswer | None) -> None:
        """Keep an answer until the model receives it; None if the call runs again."""
        self.owed_answer = answer

    def take_owed_answer(self) -> CoreAnswer | None:
        """Return and forget the answer that the model has not received."""
        answer, self.owed_answer = self.owed_answer, None
        return answer

    def mark_recorded(self, *, is_recorded: bool = True) -> None:
        """Set whether the call is recorded in a turn."""
        self.is_recorded = is_recorded

    def make_orphan(self) -> None:
        """Note that the model does not wait for the answer any more, and the user does."""
        self.call_ids = []
        self.is_orphan = True

    @property
    def pending(self) -> PendingCall:
        """Return the call in the form that the session's state keeps."""
        return PendingCall(self.key, self.name, self.arguments_json, self.arguments_hash)

    def to_tool_call(self, answer: CoreAnswer) -> ToolCall:
        """Return the call in the form that its turn keeps."""
        return ToolCall(self.key, self.name, self.arguments_json, answer.status, answer.answer)
