"""A tool call while it is worked on."""

from dataclasses import dataclass, field

from repartee.domain.conversation.conversation import ToolCall
from repartee.domain.session.state import PendingCall
from repartee.domain.tools.core_calls import CoreAnswer, ToolCallKey, arguments_hash


@dataclass(slots=True)
class OpenToolCall:
    """A call that is being worked on.

    Attributes:
        turn: The turn that asked for it last; it may be later than that of its key.
        call_ids: The model's ids for it; duplicates share one run and each get the answer.
        is_orphan: The live session that asked is gone or has cancelled the call; the model gets
            the answer as text.
        owed_answer: The answer, until the model gets it.
        is_recorded: A turn remembers it.
        is_answered: The model has the answer already, under another id of the same turn.
    """

    key: ToolCallKey
    name: str
    arguments_json: str
    deadline_ms: int
    turn: int
    call_ids: list[str] = field(default_factory=list)
    is_orphan: bool = False
    owed_answer: CoreAnswer | None = None
    is_recorded: bool = False
    is_answered: bool = False

    @property
    def arguments_hash(self) -> str:
        """Distinguishes it from another call of the same turn, at its place, before a restart."""
        return arguments_hash(self.name, self.arguments_json)

    def add_call_id(self, call_id: str, turn: int) -> None:
        """Add another id that asks for the same, and gets the answer, too."""
        self.call_ids.append(call_id)
        self.turn, self.is_orphan = turn, False

    def drop_call_ids(self, call_ids: tuple[str, ...]) -> bool:
        """Drop ids that the model wants no answer to; return whether these were the last ones."""
        had_ids = bool(self.call_ids)
        self.call_ids = [one for one in self.call_ids if one not in call_ids]
        return had_ids and not self.call_ids

    def owe(self, answer: CoreAnswer | None) -> None:
        """Keep the answer until the model gets it; None: it is asked for again."""
        self.owed_answer = answer

    def take_owed_answer(self) -> CoreAnswer | None:
        """Return the answer that the model has not got, and forget it."""
        answer, self.owed_answer = self.owed_answer, None
        return answer

    def mark_recorded(self, *, is_recorded: bool = True) -> None:
        """Note whether a turn remembers it."""
        self.is_recorded = is_recorded

    def make_orphan(self) -> None:
        """Note that only the user still waits for the answer, and the model does not."""
        self.call_ids = []
        self.is_orphan = True

    @property
    def pending(self) -> PendingCall:
        """The call as the session's state keeps it."""
        return PendingCall(self.key, self.name, self.arguments_json, self.arguments_hash)

    def to_tool_call(self, answer: CoreAnswer) -> ToolCall:
        """Return the call as its turn remembers it."""
        return ToolCall(self.key, self.name, self.arguments_json, answer.status, answer.answer)
