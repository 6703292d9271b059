"""Replaces the Live session when it drops, expires or becomes outdated."""

from dataclasses import dataclass, field
from decimal import Decimal

from repartee.domain.live.model import (
    LiveClosed,
    LiveEvent,
    LiveFailure,
    LiveGoAway,
    LiveOpened,
    LiveUnknown,
    LiveUsage,
)
from repartee.domain.protocol.frames import CloseReason, SessionError
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.upkeep.departure import Departure
from repartee.domain.session.upkeep.live_context import LiveContext
from repartee.domain.session.upkeep.restarts import TurnRestarts
from repartee.domain.session.upkeep.watchdog import Watchdog

_STUCK = LiveClosed(LiveFailure.DROPPED, 0, "set-up took too long")
_GO_AWAY = LiveClosed(LiveFailure.DROPPED, 0, "go away")
_REASONS: dict[LiveFailure | None, CloseReason] = {
    LiveFailure.REFUSED: "refused",
    LiveFailure.BUSY: "busy",
}


@dataclass(slots=True)
class LiveSessions:
    """Opens the Live sessions of one worker, and decides when to leave one.

    Attributes:
        busy_text: Shown to the user while the model has no capacity.
    """

    _live_link: LiveLink
    _context: LiveContext
    _watchdog: Watchdog
    _turn_restarts: TurnRestarts
    _departure: Departure
    _outbox: Outbox
    busy_text: str = field(kw_only=True)

    @property
    def is_open(self) -> bool:
        """Return whether the current Live session is set up and takes input."""
        return self._live_link.is_open

    def open(self, now_ms: int, saves_usd: Decimal | None = None) -> None:
        """Open another Live session.

        Args:
            now_ms: The present.
            saves_usd: The estimated saving, if the reason is a smaller context.
        """
        self._context.begin()
        config = self._context.config(now_ms)
        self._turn_restarts.begin_session(config.turn_detection)
        self._live_link.open(config, now_ms, saves_usd)

    def handle(self, event: LiveEvent, now_ms: int) -> None:
        """Handle the part of an event that concerns the current Live session."""
        match event:
            case LiveOpened():
                self._live_link.mark_open(now_ms)
                self._turn_restarts.open_session()
                self.note_activity(now_ms)
                # Changes that the user made during the set-up must not wait for a commit.
                if self._context.is_outdated:
                    self._context.request_reseed()
                return
            case LiveUnknown():
                return
            case LiveGoAway(time_left_ms=time_left_ms):
                self._live_link.plan_rotation(time_left_ms, now_ms)
            case LiveUsage(usage=usage):
                self._context.note_usage(usage)
            case _:
                pass
        self._live_link.mark_reacted()
        self._context.confirm_setup()

    def note_activity(self, now_ms: int) -> None:
        """Note that the model is active, or has received an answer that it waited for."""
        self._departure.note_activity(now_ms)
        self._watchdog.note_activity(now_ms)
        # More output may follow, such as the answer of a tool, so a reseed waits for a commit.
        self._context.postpone_reseed()

    def reset_failures(self) -> None:
        """Reset the count of failures, because a turn was completed."""
        self._live_link.reset_failures()

    def reopen(self, now_ms: int) -> bool:
        """Open the Live session that follows a lost one; return whether that was due."""
        is_due = self._live_link.must_reopen(now_ms)
        if is_due:
            self.open(now_ms)
        return is_due

    def lose(self, closed: LiveClosed, now_ms: int) -> CloseReason | None:
        """Note that the current Live session is lost, and plan the next one.

        Returns:
            Why the session must be closed, None if it continues.
        """
        self._watchdog.forget_model()
        is_refusal = self._departure.may_take_input and self._live_link.is_refusal(closed, now_ms)
        if is_refusal and self._context.try_smaller_setup():
            self._live_link.plan_replacement(now_ms)
            self._turn_restarts.restart_turn(now_ms)
            return None
        failure = self._live_link.lose(closed, now_ms)
        if not self._departure.may_take_input:
            self._departure.lose_model(now_ms)
            return None
        if failure is not None:
            self._departure.lose_model(now_ms)
            return _REASONS.get(failure, "unavailable")
        self._turn_restarts.restart_turn(now_ms)
        if closed.failure is LiveFailure.BUSY:
            self._outbox.offer(SessionError("model_busy", self.busy_text, retryable=True))
        return None

    def replace_if_needed(self, now_ms: int) -> CloseReason | None:
        """Leave the Live session if another one is needed, and do the watchdog's work.

        Another one is needed if the detection mode does not fit the client, the set-up has taken
        too long, Gemini is about to close the session, the model stays silent, or a fresh session
        is cheaper or better.

        Returns:
            Why the session must be closed, None if it continues.
        """
        if self._context.is_detection_outdated and self._live_link.is_begun:
            self._restart(now_ms)
            return None
        if self._live_link.is_stuck(now_ms):
            return self.lose(_STUCK, now_ms)
        may_rotate = (
            self._turn_restarts.is_between_turns
            and not self._turn_restarts.is_transcript_pending(now_ms)
        )
        if self._live_link.must_rotate(now_ms, is_between_turns=may_rotate):
            return self.lose(_GO_AWAY, now_ms)
        if self._watchdog.check(now_ms):
            # Without this, the replayed turn would count as stalled at once.
            self._departure.note_activity(now_ms)
            self._restart(now_ms)
        elif self._watchdog.nudged_turn:
            self._context.note_repeated_input(self._watchdog.nudged_turn)
        elif self._context.is_reseed_due and self._may_reseed(now_ms):
            saves_usd = self._context.reseed_saves_usd(now_ms)
            if saves_usd is not None or self._context.is_outdated:
                self._restart(now_ms, saves_usd)
        return None

    def leave_duplicating_session(self, now_ms: int) -> None:
        """Leave a Live session that may answer twice, before it receives the next input or cue.

        Its late reply would look like the reply to that.
        """
        if (
            self._context.repeated_turn
            and self._is_staying
            and self._turn_restarts.is_between_turns
        ):
            self._restart(now_ms)

    @property
    def _is_staying(self) -> bool:
        return self._live_link.is_open and not self._departure.is_handing_over

    def next_deadline_ms(self) -> int | None:
        """Return until when leaving the Live session waits for a transcript."""
        return self._turn_restarts.transcript_due_by_ms

    def _may_reseed(self, now_ms: int) -> bool:
        # A reseed that only saves money waits for the transcript. Other reasons do not.
        is_free = self._context.is_outdated or not self._turn_restarts.is_transcript_pending(now_ms)
        return self._is_staying and self._turn_restarts.is_at_rest and is_free

    def _restart(self, now_ms: int, saves_usd: Decimal | None = None) -> None:
        self._turn_restarts.restart_turn(now_ms)
        self.open(now_ms, saves_usd)
