"""A tool call while it is worked on."""

from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, CoreAnswer, arguments_hash
from repartee.domain.conversation import ToolCall
from repartee.domain.session_state import PendingCall


@dataclass(slots=True)
class CallInProgress:
    """A call that is being worked on.

    Attributes:
        call_ids: The model's ids for it; duplicates share one run and each get the answer.
        is_orphan: The live session that asked is gone; the answer is told as text.
        owed: An orphan's answer, until it is told.
    """

    key: CallKey
    name: str
    arguments_json: str
    deadline_ms: int
    call_ids: list[str] = field(default_factory=list)
    is_orphan: bool = False
    owed: CoreAnswer | None = None

    @property
    def arguments_hash(self) -> str:
        """What tells it from another call at its place, made by the same turn before a restart."""
        return arguments_hash(self.name, self.arguments_json)

    @property
    def pending(self) -> PendingCall:
        """The call as the session's state keeps it."""
        return PendingCall(self.key, self.name, self.arguments_json, self.arguments_hash)

    def ended(self, answer: CoreAnswer) -> ToolCall:
        """Return the call as its turn remembers it."""
        return ToolCall(self.key, self.name, self.arguments_json, answer.status, answer.answer)
