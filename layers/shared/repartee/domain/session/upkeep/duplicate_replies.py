"""Drops a second reply to input that the Live session received twice."""

from dataclasses import dataclass

from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveText,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
)
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.upkeep.live_context import LiveContext

_REPLY_PARTS = LiveAudio | LiveText | LiveToolCall | LiveTranscript | LiveTurnComplete


@dataclass(slots=True)
class DuplicateReplies:
    """Recognises the second reply of a Live session that received a turn's input twice.

    Such input is an utterance that was sent again, or a nudge during a slow reply. If the model
    answers twice, one reply after the other, the second reply is dropped, and its tool calls do
    not run again. An even later reply would look like the reply to the next input or to the next
    cue. So the session continues in a fresh Live session when the turn is in memory, or before the
    model gets the user's next words, a cue or the request for a goodbye.
    """

    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    _context: LiveContext
    _done_turn: int = 0

    def includes(self, event: LiveEvent) -> bool:
        """Return whether an event is part of a second reply to the same input."""
        repeated_turn = self._context.repeated_turn
        if repeated_turn in (0, self._done_turn) or not isinstance(event, _REPLY_PARTS):
            return False
        if (turn := self._turns.current) is not None:
            if turn.number != repeated_turn:
                self._done_turn = repeated_turn
            return False
        if self._tool_calls or self._cues.is_pending:
            # The reply may be the answer of a tool, or the response to a cue.
            return False
        if isinstance(event, LiveTurnComplete):
            self._done_turn = repeated_turn
        return True
