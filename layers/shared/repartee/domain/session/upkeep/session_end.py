"""Closes the session, and records the turns and the input that are left."""

from dataclasses import dataclass

from repartee.domain.protocol.frames import CloseReason
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.memory.commits import MemoryKeeper
from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.upkeep.departure import Departure


@dataclass(slots=True)
class SessionClosing:
    """Begins to close the session, and then ends its turns."""

    _departure: Departure
    _feed: InputFeed
    _turns: TurnLedger
    _replies: Replies
    _live_link: LiveLink
    _keeper: MemoryKeeper

    def close(self, reason: CloseReason, now_ms: int, *, awaits_reply: bool = False) -> None:
        """Begin to close the session, unless it is being closed already.

        Args:
            reason: The reason that the client gets.
            now_ms: The present.
            awaits_reply: Whether the model was asked for a goodbye.
        """
        if self._departure.closing is None:
            self._feed.drop_unproven_speech(now_ms)
        # Last words are answered, because they may be a request. A reply in progress is cut.
        turn = self._turns.current
        has_last_words = reason == "bye" and turn is not None and not turn.has_reply
        may_speak = (has_last_words or reason == "limit_reached") and self._live_link.is_open
        awaits_reply = awaits_reply or reason == "end_call" or may_speak
        if not self._departure.close(reason, now_ms, awaits_reply=awaits_reply) or awaits_reply:
            return
        if reason in ("bye", "superseded"):
            self._replies.interrupt(now_ms)
        self._feed.record_unanswered_input(now_ms)
        self._replies.end_all_turns(now_ms)
        if reason == "erased":
            self._keeper.stop_writing()

    @property
    def is_closing(self) -> bool:
        """Return whether the session is being closed."""
        return self._departure.closing is not None

    def hurry(self, now_ms: int) -> None:
        """Leave soon, although the model, a tool call or the client may not be finished."""
        self._departure.hurry(now_ms)

    def end_turns(self, now_ms: int) -> None:
        """End the turns of a session that is being closed, if it is time."""
        if self._departure.is_late(now_ms):
            self._feed.record_unanswered_input(now_ms)
            self._turns.end_all(now_ms)
        elif self._turns.current is None and not self._departure.may_listen:
            # The last reply is over. Input that waited for its end is recorded without an answer.
            self._feed.record_unanswered_input(now_ms)
            self._replies.end_all_turns(now_ms)

    def force(self, now_ms: int) -> bool:
        """Leave soon, because the worker's time is over; return whether a successor continues."""
        if self._departure.closing == "end_call" and self._feed.is_speech_waiting:
            self._departure.cancel_close(now_ms)
        self._departure.force(now_ms)
        return self._departure.closing is None
