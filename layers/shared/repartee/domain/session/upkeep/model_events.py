"""Dispatches the events of the live model: about the Live session, the user or the reply."""

from dataclasses import dataclass

from repartee.domain.live.model import (
    LiveEvent,
    LiveGoAway,
    LiveOpened,
    LiveTranscript,
    LiveUsage,
    Role,
)
from repartee.domain.session.memory.commits import MemoryKeeper
from repartee.domain.session.turns.transcripts import PlacedTranscript, UserTranscripts
from repartee.domain.session.upkeep.departure import Departure
from repartee.domain.session.upkeep.duplicate_replies import DuplicateReplies
from repartee.domain.session.upkeep.live_sessions import LiveSessions
from repartee.domain.session.upkeep.reply_events import ReplyEvents


@dataclass(slots=True)
class ModelEvents:
    """Dispatches live-model events to the components that handle them."""

    _live_sessions: LiveSessions
    _transcripts: UserTranscripts
    _keeper: MemoryKeeper
    _duplicate_replies: DuplicateReplies
    _departure: Departure
    _reply_events: ReplyEvents

    def handle(self, event: LiveEvent, now_ms: int) -> bool:
        """Handle any event except the end of the Live session.

        Returns:
            Whether the model has called ``end_call``.
        """
        self._live_sessions.handle(event, now_ms)
        if isinstance(event, LiveOpened | LiveGoAway | LiveUsage):
            return False
        if isinstance(event, LiveTranscript) and event.role is Role.USER:
            self._read(event, now_ms)
            return False
        may_reply = self._departure.may_take_replies
        if may_reply and self._duplicate_replies.includes(event):
            return False
        if (placed := self._reply_events.late_words(event, now_ms)) is not None:
            self._amend(placed)
            return False
        return may_reply and self._reply_events.handle(event, now_ms)

    def handle_previous_session(self, event: LiveEvent, now_ms: int) -> None:
        """Handle a late event of an earlier Live session; only its transcripts count."""
        if isinstance(event, LiveTranscript) and event.role is Role.USER:
            self._amend(self._transcripts.add_from_previous_session(event, now_ms))

    def _read(self, piece: LiveTranscript, now_ms: int) -> None:
        """Handle a transcript of the user; it does not delay the close of the session."""
        placed = self._transcripts.take(piece, now_ms)
        self._amend(placed)
        if placed.is_current and self._departure.closing is None:
            self._live_sessions.note_activity(now_ms)

    def _amend(self, placed: PlacedTranscript) -> None:
        if placed.amended is not None:
            self._keeper.amend(placed.amended)
