"""A tool call while it is worked on."""

import hashlib
from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, CoreAnswer
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
    def pending(self) -> PendingCall:
        """The call as the session's state keeps it."""
        digest = hashlib.sha256(f"{self.name}\n{self.arguments_json}".encode()).hexdigest()
        return PendingCall(self.key, self.name, self.arguments_json, digest)

    def ended(self, answer: CoreAnswer) -> ToolCall:
        """Return the call as its turn remembers it."""
        return ToolCall(self.key, self.name, self.arguments_json, answer.status, answer.answer)
