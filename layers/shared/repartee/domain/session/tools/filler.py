"""Asks the model for a few words during a slow tool call, once per call."""

from dataclasses import dataclass, field

from repartee.domain.session.model.cues import Cues
from repartee.domain.session.timing import TOOL_CALL_TIMEOUT_MS
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.tools.core_calls import ToolCallKey

# Not "the user's language", because a persona may have one language only.
FILLER = (
    "(In the language that you speak with the user, say in a few words that you are still looking.)"
)


@dataclass(slots=True)
class Filler:
    """Asks the model for a few words after ``after_ms`` of silence during a call.

    It waits while the model or the user speaks, because a text interrupts the model.
    """

    _after_ms: int
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    _filled: set[ToolCallKey] = field(default_factory=set)
    _silent_from_ms: int = 0

    def postpone(self, now_ms: int) -> None:
        """Restart the silence, because the model received an answer and will speak."""
        self._silent_from_ms = now_ms

    def check(self, now_ms: int) -> bool:
        """Ask for a filler if one is due; return whether one was asked for."""
        self._silent_from_ms = max(self._silent_from_ms, self._turns.silent_from_ms)
        due_ms = self.next_deadline_ms()
        if due_ms is None or now_ms < due_ms:
            return False
        self._filled.update(call.key for call in self._tool_calls.waiting)
        self._cues.send(FILLER, now_ms)
        return True

    def next_deadline_ms(self) -> int | None:
        """Return when the silence has lasted too long."""
        turns = (self._turns.current, self._turns.upcoming)
        is_user_speaking = any(turn is not None and turn.is_being_spoken for turn in turns)
        begun_ms = [
            call.deadline_ms - TOOL_CALL_TIMEOUT_MS
            for call in self._tool_calls.waiting
            if call.key not in self._filled
        ]
        if (
            not begun_ms
            or is_user_speaking
            or self._tool_calls.is_blocking
            or self._tool_calls.unspoken
            or not self._cues.is_free
        ):
            return None
        return max(min(begun_ms), self._silent_from_ms) + self._after_ms
