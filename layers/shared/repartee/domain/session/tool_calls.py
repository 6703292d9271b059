"""The tool rules: every call id is answered exactly once, by a deadline, unless cancelled."""

import hashlib
import json
from dataclasses import dataclass, field

from repartee.domain.calls import CallKey, CallStatus, CoreAnswer
from repartee.domain.conversation import ToolCall
from repartee.domain.live import LiveToolCall
from repartee.domain.session_state import PendingCall

CALL_TIMEOUT_MS = 25_000
NO_ANSWER = CoreAnswer(
    CallStatus.FAILED, "I could not find that out just now. Please ask me again.", retryable=True
)


@dataclass(slots=True)
class CallInProgress:
    """A call that is being worked on.

    Attributes:
        call_ids: The model's ids for it; duplicates share one run and each get the answer.
        is_orphan: The live session that asked is gone; the answer is told as text.
    """

    key: CallKey
    name: str
    arguments_json: str
    deadline_ms: int
    call_ids: list[str] = field(default_factory=list)
    is_orphan: bool = False

    @property
    def pending(self) -> PendingCall:
        """The call as the session's state keeps it."""
        digest = hashlib.sha256(f"{self.name}\n{self.arguments_json}".encode()).hexdigest()
        return PendingCall(self.key, self.name, self.arguments_json, digest)

    def ended(self, answer: CoreAnswer) -> ToolCall:
        """Return the call as its turn remembers it."""
        return ToolCall(self.key, self.name, self.arguments_json, answer.status, answer.answer)


@dataclass(slots=True)
class ToolCalls:
    """The calls of a session that are not answered yet."""

    _open: dict[CallKey, CallInProgress] = field(default_factory=dict)
    _count: dict[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._open)

    def begin(self, call: LiveToolCall, turn: int, now_ms: int) -> CallInProgress | None:
        """Take up a call; None when the same one is being worked on already."""
        for running in self._open.values():
            same = (running.name, running.arguments_json) == (call.name, call.arguments_json)
            if same and running.key.turn == turn:
                running.call_ids.append(call.call_id)
                return None
        index = self._count.get(turn, 0) + 1
        self._count[turn] = index
        begun = CallInProgress(
            CallKey(turn, index),
            call.name,
            call.arguments_json,
            now_ms + CALL_TIMEOUT_MS,
            [call.call_id],
        )
        self._open[begun.key] = begun
        return begun

    def adopt(self, pending: PendingCall, now_ms: int) -> CallInProgress:
        """Take over a call that a worker before this one left open."""
        adopted = CallInProgress(
            pending.key,
            pending.name,
            pending.arguments_json,
            now_ms + CALL_TIMEOUT_MS,
            is_orphan=True,
        )
        self._open[pending.key] = adopted
        return adopted

    def end(self, key: CallKey) -> CallInProgress | None:
        """Close a call; None when it was closed before."""
        return self._open.pop(key, None)

    def cancel(self, call_ids: tuple[str, ...]) -> list[CallInProgress]:
        """Drop ids that the model wants no answer to; return the calls that nobody awaits now."""
        ended = []
        for call in list(self._open.values()):
            had_ids = bool(call.call_ids)
            call.call_ids = [one for one in call.call_ids if one not in call_ids]
            if had_ids and not call.call_ids:
                ended.append(self._open.pop(call.key))
        return ended

    def expired(self, now_ms: int) -> list[CallInProgress]:
        """Return the calls whose deadline has passed, still open."""
        return [call for call in self._open.values() if call.deadline_ms <= now_ms]

    def lose_session(self, restarted_turn: int | None) -> None:
        """The live session is gone: a restarted turn will call again, the rest is orphaned."""
        if restarted_turn is not None:
            self._count.pop(restarted_turn, None)
        for key in list(self._open):
            if key.turn == restarted_turn:
                del self._open[key]
            else:
                self._open[key].is_orphan = True
                self._open[key].call_ids.clear()

    @property
    def pending(self) -> tuple[PendingCall, ...]:
        """All open calls as the session's state keeps them."""
        return tuple(call.pending for call in self._open.values())

    def next_deadline_ms(self) -> int | None:
        """Return when the first open call expires."""
        return min((call.deadline_ms for call in self._open.values()), default=None)


def text_argument(arguments_json: str, name: str) -> str | None:
    """Return a call's text argument, or None when it is absent, empty or no text."""
    arguments = json.loads(arguments_json)
    value = arguments.get(name) if isinstance(arguments, dict) else None
    return value.strip() or None if isinstance(value, str) else None
