"""The session core, which has no clock, no socket and no thread.

It turns events into work for the lanes, which ``application.serving.run_session`` does. The rules
are in the components that ``parts`` builds. This module dispatches each event to them, and then
``due_work`` does the work that is due.
"""

from repartee.domain.conversation.conversation import Memory
from repartee.domain.cost.limits import LimitHit
from repartee.domain.cost.usage import Bill
from repartee.domain.live.model import LiveClosed, LiveEvent, LiveUsage
from repartee.domain.protocol.frames import CloseReason, TurnRestarted
from repartee.domain.protocol.messages import Notified, Numbered
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.due_work import DueWork
from repartee.domain.session.effects import NO_WORK, Finish, FinishReason, OtherEffect, Work
from repartee.domain.session.events import (
    CallsStopped,
    ConversationLost,
    CoreAnswered,
    Event,
    FramePosted,
    FromLive,
    LeaseWasLost,
    MailboxRead,
    PostRefused,
    Started,
    SummaryRead,
    TimeRunningOut,
    TurnCommitted,
    UsageRead,
)
from repartee.domain.session.input.notices import NoticeOutcome
from repartee.domain.session.parts import SessionParts
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease
from repartee.domain.session.timing import FORCED_HAND_OVER_MS
from repartee.domain.session.turn_timing import TurnMarks
from repartee.domain.session.turns.turn_marks import turn_marks
from repartee.domain.speech_detection import SpeechDetector
from repartee.domain.users.preferences import Profile


class SessionMachine:
    """Serves one session for one lease.

    Args:
        lease: The lease, with the session's state at its start.
        memory: The conversation so far.
        settings: The settings of the deployment.
        detector: Detects speech in audio.
        unix_offset_ms: Unix time minus the time that ``handle`` receives.
    """

    def __init__(
        self,
        lease: Lease,
        memory: Memory,
        settings: SessionSettings,
        detector: SpeechDetector,
        *,
        unix_offset_ms: int,
    ):
        self._lease = lease
        self._prices = settings.prices
        self._now_ms = 0
        self._parts = SessionParts(lease, memory, settings, detector, unix_offset_ms=unix_offset_ms)
        self._due_work = DueWork(self._parts)

    @property
    def read_after(self) -> int:
        """Return the number after which the mailbox must be read."""
        return self._parts.order.read_after

    def is_unread(self, seq: int) -> bool:
        """Return whether the worker has not read the message with this number yet."""
        return self._parts.order.is_unread(seq)

    @property
    def cursor(self) -> int:
        """Return the last input message that no later worker needs."""
        return self._parts.cursor

    @property
    def taken_through(self) -> int:
        """Return the last number up to which all input is taken or given up."""
        return self._parts.order.taken_through

    def input_taken_at(self, cursor: int) -> InputTaken:
        """Return the input that is taken so far, to be written with this ``cursor``."""
        return self._parts.order.input_taken_at(cursor)

    @property
    def uncommitted_bill(self) -> Bill:
        """Return the live model's usage and cost outside committed turns."""
        return self._prices.bill(self._parts.turns.uncommitted_usage)

    def marks_of(self, number: int) -> TurnMarks | None:
        """Return the times of a turn that is in progress or was just ended, None for another."""
        turns = (turn for turn in self._parts.turns.all_turns if turn.number == number)
        return next((turn_marks(turn) for turn in turns), None)

    @property
    def closed_as(self) -> CloseReason | None:
        """Return the reason for which this worker has closed the session, None if it has not."""
        return self._parts.departure.closed_as

    @property
    def limit_reached(self) -> LimitHit | None:
        """Return the daily limit that ended the session, None if none did."""
        return self._parts.allowance.reached_limit

    @property
    def refuses_history(self) -> bool:
        """Return whether the live model accepts a history only as text in its instruction."""
        return self._parts.fallbacks.refuses_history

    @property
    def refused_preferences(self) -> Profile | None:
        """Return the profile if the live model has refused its preferences, otherwise None."""
        preferences = self._parts.preferences
        is_proven = self._parts.fallbacks.replaces_preferences and preferences.is_refused_by_model
        return preferences.profile if is_proven else None

    @property
    def is_listening(self) -> bool:
        """Return whether audio is arriving, so that the mailbox must be read often."""
        return self._parts.feed.is_streaming

    @property
    def is_answering(self) -> bool:
        """Return whether the model works on a turn, which the user may interrupt."""
        return self._parts.turns.current is not None

    def handle(self, event: Event, now_ms: int) -> Work:
        """Handle an event; return the work that follows from it, by lane.

        Args:
            event: The event.
            now_ms: The present on a monotonic clock.
        """
        parts = self._parts
        if isinstance(event, FromLive) and isinstance(event.event, LiveUsage):
            # Usage must be paid, even if it is late or of an earlier Live session.
            parts.turns.add_usage(event.event.usage)
        if parts.departure.has_left:
            # A commit that was in progress still counts: the lease is released with its cursor.
            if isinstance(event, TurnCommitted) and parts.turns.is_committing:
                parts.keeper.finish_commit()
            return NO_WORK
        self._now_ms = now_ms
        self._dispatch(event, now_ms)
        if not parts.departure.has_left:
            self._due_work.do(now_ms)
        other: tuple[OtherEffect, ...] = parts.router.take_questions()
        if (reason := parts.departure.finish_reason) is not None:
            other = (*other, Finish(reason))
        return Work(
            parts.writes.take_work(), parts.channel.take_work(), parts.client.take_work(), other
        )

    def next_deadline_ms(self) -> int | None:
        """Return when a ``Tick`` is due, None if the machine only waits for events."""
        parts = self._parts
        if parts.departure.has_left:
            return None
        deadlines = [
            *parts.feed.deadlines_ms(),
            parts.client.next_deadline_ms(parts.order.through),
            parts.calls.next_deadline_ms(),
            parts.live.next_deadline_ms(),
            parts.sessions.next_deadline_ms(),
            parts.watchdog.next_deadline_ms(),
            parts.filler.next_deadline_ms(),
            parts.answer_watch.next_deadline_ms(),
            parts.retry.next_deadline_ms(),
            parts.cues.next_deadline_ms(),
            parts.greeting.next_deadline_ms(),
            parts.keeper.next_deadline_ms(),
            parts.lost_replies.next_deadline_ms(),
            *parts.departure.deadlines_ms(),
        ]
        # The previous call of ``handle`` has already handled deadlines that have passed.
        ahead = [one for one in deadlines if one is not None and one > self._now_ms]
        return min(ahead, default=None)

    def _dispatch(self, event: Event, now_ms: int) -> None:  # noqa: C901 - one case per event
        parts = self._parts
        match event:
            case Started(used=used, unread=unread, service=service, is_stopped=is_stopped):
                parts.allowance.set_used(used, service)
                self._read(unread, now_ms)
                self._start(now_ms, is_stopped=is_stopped)
            case UsageRead(used=used, service=service):
                parts.allowance.set_used(used, service)
            case CallsStopped():
                parts.limit_watch.stop(now_ms)
            case MailboxRead():
                self._read(event, now_ms)
            case FromLive(generation=generation, event=live_event):
                if generation == parts.live.generation:
                    self._handle_live_event(live_event, now_ms)
                else:
                    parts.model_events.handle_previous_session(live_event, now_ms)
            case CoreAnswered():
                parts.allowance.note_core_agent_bill(event.answer.bill)
                if parts.router.take_answer(event, now_ms):
                    self._due_work.note_answer(now_ms)
            case FramePosted(connection_id=connection_id, seq=seq):
                if connection_id == parts.client.connection_id:
                    parts.outbox.mark_posted(seq)
            case PostRefused(connection_id=connection_id, seq=seq, is_gone=is_gone):
                if connection_id == parts.client.connection_id:
                    parts.outbox.mark_refused(seq, now_ms, is_gone=is_gone)
                if is_gone:
                    parts.messages.detach(connection_id, now_ms)
            case TurnCommitted():
                parts.allowance.count_turn(parts.keeper.finish_commit(), now_ms)
                parts.keeper.delete_input()
                parts.context.request_reseed()
            case SummaryRead():
                parts.keeper.take_summary(event)
            case ConversationLost(is_erased=is_erased):
                parts.turns.cancel_commit()
                self._parts.closing.close("erased" if is_erased else "superseded", now_ms)
                parts.keeper.stop_writing()
            case LeaseWasLost():
                parts.departure.finish(FinishReason.FENCED)
            case TimeRunningOut(remaining_ms=remaining_ms):
                parts.departure.request_hand_over()
                if remaining_ms <= FORCED_HAND_OVER_MS and parts.closing.force(now_ms):
                    parts.restarts.retract_turn(now_ms)
            case _:
                # A tick changes nothing. The work that is due is done after every event.
                pass

    def _read(self, mailbox: MailboxRead, now_ms: int) -> None:
        numbers = {one.seq for one in mailbox.entries if isinstance(one, Numbered)}
        self._parts.order.forget_refused(numbers)
        for entry in mailbox.acknowledged_first:
            if isinstance(entry, Notified):
                self._take_notice(entry, now_ms)
            else:
                self._parts.messages.take(entry, now_ms)

    def _take_notice(self, notified: Notified, now_ms: int) -> None:
        match self._parts.notices.take(notified, now_ms):
            case NoticeOutcome.RESEED:
                self._parts.context.request_reseed()
            case NoticeOutcome.SUPERSEDED:
                self._parts.closing.close("superseded", now_ms)
            case _:
                pass

    def _start(self, now_ms: int, *, is_stopped: bool) -> None:
        parts, memory = self._parts, self._parts.keeper.memory
        parts.departure.note_activity(now_ms)
        parts.client.start(now_ms)
        if memory.profile.erased_at_ms is not None:
            self._parts.closing.close("erased", now_ms)
        elif self._lease.is_superseded(memory.conversation):
            self._parts.closing.close("superseded", now_ms)
        elif is_stopped:
            parts.limit_watch.stop(now_ms)
        elif not (parts.limit_watch.check(now_ms, is_starting=True) or parts.departure.closing):
            if self._lease.is_takeover:
                parts.outbox.offer(TurnRestarted(parts.turns.next_number))
            parts.sessions.open(now_ms)
            parts.lost_replies.start(now_ms)
            for pending in self._lease.state.pending_calls:
                parts.router.adopt(pending, now_ms)

    def _handle_live_event(self, event: LiveEvent, now_ms: int) -> None:
        if isinstance(event, LiveClosed):
            if (reason := self._parts.sessions.lose(event, now_ms)) is not None:
                self._parts.closing.close(reason, now_ms)
            return
        for one in self._parts.marked.filter_event(event, now_ms):
            if self._parts.model_events.handle(one, now_ms):
                self._parts.closing.close("end_call", now_ms)
