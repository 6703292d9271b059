"""The session: every rule of a voice call, without a clock, a socket or a thread.

Events go in, effects come out. ``application.run_session`` carries the effects out. The machine
joins the parts that hold the rules: ``input_feed`` and ``client_link`` towards the client,
``live_sessions`` and ``hearing`` towards the model, ``memory_keeper`` towards the tables, and
``departure`` for the end.
"""

from repartee.domain.conversation.conversation import Memory
from repartee.domain.cost.limits import LimitHit
from repartee.domain.cost.usage import Bill
from repartee.domain.live.model import LiveClosed, LiveEvent, LiveUsage
from repartee.domain.protocol.frames import CloseReason, SessionError, TurnRestarted
from repartee.domain.protocol.messages import (
    Acknowledged,
    Detached,
    Greeted,
    Hello,
    NoteForgotten,
    Notified,
    Numbered,
    PreferencesChanged,
    Superseded,
)
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.client.link import ClientLink
from repartee.domain.session.client.outbox import Outbox
from repartee.domain.session.client.undelivered import UndeliveredTurns
from repartee.domain.session.effects import NO_WORK, Finish, FinishReason, Work
from repartee.domain.session.events import (
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
from repartee.domain.session.input.feed import InputFeed
from repartee.domain.session.input.marked_speech import MarkedSpeech
from repartee.domain.session.input.order import InputOrder, too_far_ahead_text
from repartee.domain.session.input.speech_channel import SpeechChannel
from repartee.domain.session.memory.allowance import Allowance
from repartee.domain.session.memory.keeper import MemoryKeeper
from repartee.domain.session.memory.lost_replies import LostReplies
from repartee.domain.session.memory.summaries import SummaryWatch
from repartee.domain.session.memory.writes import TableWrites
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.model.fallbacks import SetupFallbacks
from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease
from repartee.domain.session.timing import FORCED_HAND_OVER_MS
from repartee.domain.session.tools.answer_watch import AnswerWatch
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.tools.filler import Filler
from repartee.domain.session.tools.preference_mentions import PreferenceMentions
from repartee.domain.session.tools.preferences import ActivePreferences
from repartee.domain.session.tools.router import ToolRouter
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.transcripts import UserTranscripts
from repartee.domain.session.upkeep.client_presence import ClientPresence
from repartee.domain.session.upkeep.context import LiveContext
from repartee.domain.session.upkeep.departure import Departure
from repartee.domain.session.upkeep.live_sessions import LiveSessions
from repartee.domain.session.upkeep.model_events import ModelEvents
from repartee.domain.session.upkeep.restarts import TurnRestarts
from repartee.domain.session.upkeep.utterance_retry import UtteranceRetry
from repartee.domain.session.upkeep.watchdog import Watchdog
from repartee.domain.speech import SpeechDetector
from repartee.domain.users.preferences import Profile


class SessionMachine:
    """Serves one session from taking the lease to giving it back.

    Args:
        lease: The session as it was taken over.
        memory: The conversation so far.
        settings: What the deployment decides.
        detector: Finds speech where the client does not mark it.
        unix_offset_ms: Unix time minus the time that ``handle`` is given.
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
        state, prices = lease.state, settings.prices
        self._prices = prices
        self._lease = lease
        self._now_ms = 0
        self._writes = writes = TableWrites()
        self._outbox = outbox = Outbox(state.epoch)
        self._client = client = ClientLink(
            outbox, state.connection_id, state.cursor, state.marks_speech, state.served_connection
        )
        self._turns = turns = TurnLedger.from_memory(memory)
        self._tool_calls = calls = ToolCalls(settings.blocking_tools)
        self._live_link = live = LiveLink(state.session_id)
        self._channel = channel = live.channel
        self._cues = cues = Cues(live)
        self._speech = speech = SpeechChannel(settings.profile, turns, calls, channel)
        self._marked = marked = MarkedSpeech(detector, turns, calls, cues, speech, outbox)
        self._feed = InputFeed(
            InputOrder(state.cursor, state.taken or InputTaken(), settings.max_in_flight),
            client,
            turns,
            detector,
            speech,
            marked,
            unix_offset_ms,
        )
        self._replies = replies = Replies(client, turns, cues, prices)
        self._watchdog = watchdog = Watchdog(turns, calls, live, replies, outbox)
        self._setup_fallbacks = fallbacks = SetupFallbacks(
            settings.history_as_text, starts_without_preferences=settings.without_preferences
        )
        self._preferences = preferences = ActivePreferences(
            memory.profile, settings, fallbacks, writes, unix_offset_ms, lease.taken_at_ms
        )
        self._tool_router = desk = ToolRouter(preferences, calls, turns, cues, outbox, channel)
        self._filler = Filler(settings.filler_after_ms, turns, calls, cues)
        self._answer_watch = AnswerWatch(turns, calls, cues, replies, outbox)
        self._turn_restarts = restarts = TurnRestarts(self._feed, turns, calls, cues, replies)
        self._client_presence = listener = ClientPresence(
            settings.grace_ms, settings.turns_without_listener, client, turns
        )
        self._departure = departure = Departure(
            settings.linger_ms, listener, client, turns, calls, cues
        )
        self._keeper = MemoryKeeper(
            memory,
            SummaryWatch(settings.memory, writes),
            UndeliveredTurns(state.undelivered, outbox),
            state.session_id,
            prices,
            settings.grace_ms,
            unix_offset_ms,
            state.cursor,
            turns,
            outbox,
            writes,
        )
        limits = memory.profile.limits.over(settings.limits)
        self._allowance = Allowance(limits, prices, unix_offset_ms, turns, outbox, channel, writes)
        self._lost_replies = LostReplies(self._keeper, client, cues)
        self._preference_mentions = PreferenceMentions(preferences, fallbacks, cues)
        self._context = context = LiveContext(
            settings, self._keeper, preferences, client, fallbacks, unix_offset_ms
        )
        transcripts = UserTranscripts(client, turns, settings.profile.transcribes_after_speech)
        self._live_sessions = LiveSessions(
            live,
            context,
            speech,
            watchdog,
            restarts,
            transcripts,
            departure,
            outbox,
        )
        self._utterance_retry = again = UtteranceRetry(
            self._feed, turns, calls, cues, context, watchdog
        )
        self._model_events = ModelEvents(
            live,
            context,
            watchdog,
            replies,
            desk,
            calls,
            turns,
            transcripts,
            self._keeper,
            again,
            departure,
        )

    @property
    def read_after(self) -> int:
        """Mailbox entries up to this number need not be read again."""
        return self._feed.order.read_after

    def is_unread(self, seq: int) -> bool:
        """Return whether this session has not read the message with this number yet."""
        return self._feed.order.is_unread(seq)

    @property
    def cursor(self) -> int:
        """Input up to here is of no use to any later worker."""
        return self._turns.cursor(self._feed.settled, after_commit=False)

    @property
    def taken_through(self) -> int:
        """The input up to here is taken or given up."""
        return self._feed.order.taken_through

    def input_taken_at(self, cursor: int) -> InputTaken:
        """Return how far the input is taken, to be written with this ``cursor``."""
        return self._feed.order.input_taken_at(cursor)

    @property
    def uncommitted_bill(self) -> Bill:
        """What the live model cost and no committed turn tells of; for when the worker leaves."""
        return self._prices.bill(self._turns.uncommitted_usage)

    @property
    def limit_reached(self) -> LimitHit | None:
        """The daily limit that ended the session, None where it was none."""
        return self._allowance.reached_limit

    @property
    def refuses_history(self) -> bool:
        """Tell whether the live model takes a history only as text in its instruction."""
        return self._setup_fallbacks.refuses_history

    @property
    def refused_preferences(self) -> Profile | None:
        """The profile with the preferences that the live model has refused, None without any."""
        preferences = self._preferences
        is_proven = self._setup_fallbacks.replaces_preferences and preferences.is_refused_by_model
        return preferences.profile if is_proven else None

    @property
    def is_listening(self) -> bool:
        """Tell whether speech is flowing, so that the mailbox deserves frequent looks."""
        return self._feed.is_streaming

    @property
    def is_answering(self) -> bool:
        """Tell whether the model works on a turn, which the user may interrupt."""
        return self._turns.current is not None

    def handle(self, event: Event, now_ms: int) -> Work:
        """Take in an event; return the work that follows from it, lane by lane.

        Args:
            event: What happened.
            now_ms: The present on a clock that never jumps.
        """
        if isinstance(event, FromLive) and isinstance(event.event, LiveUsage):
            # Of whichever live session, and at whatever time: it has been paid for.
            self._turns.add_usage(event.event.usage)
        if self._departure.has_left:
            # A write that was under way counts, or the lease would be released behind it.
            if isinstance(event, TurnCommitted) and self._turns.is_committing:
                self._keeper.finish_commit()
            return NO_WORK
        self._now_ms = now_ms
        self._dispatch(event, now_ms)
        if not self._departure.has_left:
            self._settle(now_ms)
        reason = self._departure.finish_reason
        finish = () if reason is None else (Finish(reason),)
        return Work(
            self._writes.take_work(),
            self._channel.take_work(),
            self._client.take_work(),
            (*self._tool_router.take_questions(), *finish),
        )

    def next_deadline_ms(self) -> int | None:
        """Return when a ``Tick`` is due, None when only events can change anything."""
        if self._departure.has_left:
            return None
        deadlines = [
            self._feed.next_deadline_ms(),
            self._speech.next_deadline_ms(),
            self._marked.next_deadline_ms(),
            self._client.next_deadline_ms(self._feed.order.through),
            self._tool_calls.next_deadline_ms(),
            self._live_link.next_deadline_ms(),
            self._live_sessions.next_deadline_ms(),
            self._watchdog.next_deadline_ms(),
            self._filler.next_deadline_ms(),
            self._answer_watch.next_deadline_ms(),
            self._utterance_retry.next_deadline_ms(),
            self._cues.next_deadline_ms(),
            self._keeper.next_deadline_ms(),
            self._lost_replies.next_deadline_ms(),
            *self._departure.deadlines_ms(),
        ]
        # What lies behind has had its chance in the last ``handle``.
        ahead = (one for one in deadlines if one is not None and one > self._now_ms)
        return min(ahead, default=None)

    def _dispatch(self, event: Event, now_ms: int) -> None:  # noqa: C901 - one case per event
        match event:
            case Started(used=used, unread=unread):
                self._allowance.set_used(used)
                self._read(unread, now_ms)
                self._start(now_ms)
            case UsageRead(used=used):
                self._allowance.set_used(used)
            case MailboxRead():
                self._read(event, now_ms)
            case FromLive(generation=generation, event=live_event):
                if generation == self._live_link.generation:
                    self._handle_live_event(live_event, now_ms)
                else:
                    self._model_events.handle_previous_session(live_event, now_ms)
            case CoreAnswered():
                self._allowance.note_core_agent_bill(event.answer.bill)
                if self._tool_router.take_answer(event, now_ms):
                    self._note_answer(now_ms)
            case FramePosted(connection_id=connection_id, seq=seq):
                if connection_id == self._client.connection_id:
                    self._outbox.mark_posted(seq)
            case PostRefused(connection_id=connection_id, seq=seq, is_gone=is_gone):
                if connection_id == self._client.connection_id:
                    self._outbox.mark_refused(seq, now_ms, is_gone=is_gone)
                if is_gone:
                    self._detach(connection_id, now_ms)
            case TurnCommitted():
                self._allowance.count_turn(self._keeper.finish_commit(), now_ms)
                self._keeper.delete_input()
                self._context.request_reseed()
            case SummaryRead():
                self._keeper.take_summary(event)
            case ConversationLost(is_erased=is_erased):
                self._turns.cancel_commit()
                self._close("erased" if is_erased else "superseded", now_ms)
                self._keeper.stop_writing()
            case LeaseWasLost():
                self._departure.finish(FinishReason.FENCED)
            case TimeRunningOut(remaining_ms=remaining_ms):
                self._departure.request_hand_over()
                if remaining_ms <= FORCED_HAND_OVER_MS:
                    self._force_hand_over(now_ms)
            case _:
                # A tick: what is due is found below.
                pass

    # The client

    def _read(self, mailbox: MailboxRead, now_ms: int) -> None:
        order = self._feed.order
        order.forget_refused({one.seq for one in mailbox.entries if isinstance(one, Numbered)})
        for entry in mailbox.acknowledged_first:
            if isinstance(entry, Numbered):
                self._handle_message(entry, now_ms)
            else:
                self._handle_notice(entry, now_ms)

    def _handle_message(self, numbered: Numbered, now_ms: int) -> None:
        # A hello counts at once, wherever it stands: what is missing before it will be sent
        # again over the connection that it opens.
        self._greet(numbered)
        order, seq = self._feed.order, numbered.seq
        if order.is_too_far_ahead(seq):
            self._refuse(numbered, "seq_too_far", too_far_ahead_text(seq), retryable=True)
        elif not order.add(numbered, now_ms) and order.is_given_up_control(numbered):
            text = f"{seq} was given up before it came: send the message as {order.next_seq}"
            self._refuse(numbered, "seq_taken", text)

    def _greet(self, numbered: Numbered) -> bool:
        hello = numbered.message
        if not isinstance(hello, Hello):
            return False
        if (attached := self._client.attach(numbered, hello)) is None:
            return False
        if attached.is_new:
            self._writes.set_connection(
                self._client.connection_id, marks_speech=self._client.marks_speech
            )
        self._lost_replies.show_missed(hello.resume_from, is_lost=attached.is_output_lost)
        return True

    def _detach(self, connection_id: str, now_ms: int) -> None:
        if self._client.detach(connection_id, now_ms):
            self._writes.set_connection(None)

    def _refuse(self, numbered: Numbered, code: str, text: str, *, retryable: bool = False) -> None:
        """Say once that a message cannot be used; the mailbox may bring it again and again."""
        seq, order = numbered.seq, self._feed.order
        if order.refuse(seq):
            self._writes.delete_messages(seq)
            if not isinstance(numbered.message, Hello):
                self._outbox.offer(
                    SessionError(code, text, retryable, refused_seq=seq, next_seq=order.next_seq)
                )

    def _handle_notice(self, notified: Notified, now_ms: int) -> None:
        match notified.notice:
            case Acknowledged() as ack if self._client.acknowledge(ack):
                self._keeper.undelivered.acknowledge(ack.received)
                self._replies.note_played(ack.turn)
                self._answer_watch.note_played(ack.turn, now_ms)
                return
            case Greeted(hello=hello, connection_id=connection_id):
                if self._greet(Numbered(0, hello, connection_id, 0)):
                    self._feed.apply_hello(hello, connection_id)
            case Detached(connection_id=connection_id):
                self._detach(connection_id, now_ms)
            case PreferencesChanged() as changed:
                if self._preferences.take(changed):
                    self._context.request_reseed()
            case NoteForgotten(note_id=note_id):
                if self._keeper.forget(note_id):
                    self._context.request_reseed()
            case Superseded():
                self._close("superseded", now_ms)
            case _:
                # A later version left a notice of an unknown kind for its own workers, or an
                # acknowledgement of what was never sent is in the way of those to come.
                pass
        self._writes.delete_notice(notified.notice_id)

    # The model

    def _start(self, now_ms: int) -> None:
        self._departure.note_activity(now_ms)
        self._client.start(now_ms)
        state, memory = self._lease.state, self._keeper.memory
        if memory.profile.erased_at_ms is not None:
            self._close("erased", now_ms)
        elif self._lease.is_superseded(memory.conversation):
            self._close("superseded", now_ms)
        elif (hit := self._session_ending_limit(now_ms)) is not None:
            self._end_by_limit(hit, now_ms)
        elif self._departure.closing is None:
            if self._lease.is_takeover:
                self._outbox.offer(TurnRestarted(self._turns.next_number))
            self._live_sessions.open(now_ms)
            self._lost_replies.start(now_ms)
            for pending in state.pending_calls:
                self._tool_router.adopt(pending, now_ms)

    def _handle_live_event(self, event: LiveEvent, now_ms: int) -> None:
        if isinstance(event, LiveClosed):
            if (reason := self._live_sessions.lose(event, now_ms)) is not None:
                self._close(reason, now_ms)
            return
        for one in self._marked.filter_event(event, now_ms):
            if self._model_events.handle(one, now_ms):
                self._close("end_call", now_ms)

    def _note_answer(self, now_ms: int) -> None:
        self._filler.postpone(now_ms)
        self._model_events.note_model_activity(now_ms)

    # What time, or the event before, has made due

    def _settle(self, now_ms: int) -> None:
        # First, for what is settled makes room for what is typed.
        self._feed.order.forget(self.cursor)
        if self._departure.may_listen:
            self._marked.check(now_ms)
            self._utterance_retry.check(now_ms)
            self._feed_input(now_ms)
            self._replies.end_paused_turn(now_ms)
        if self._live_link.is_open:
            # The last words before a goodbye need it too.
            self._speech.send_due_silence(now_ms)
        hit = self._session_ending_limit(now_ms) if self._departure.may_take_input else None
        if hit is not None and self._live_link.is_open:
            self._end_by_limit(hit, now_ms)
        self._cues.expire(now_ms)
        self._lost_replies.expire(now_ms)
        self._preference_mentions.store()
        if self._tool_router.expire(now_ms):
            self._note_answer(now_ms)
        if self._departure.may_take_replies:
            self._check_answers(now_ms)
        if self._departure.may_take_input:
            self._maintain_live_session(now_ms)
        if self._departure.closing is not None:
            self._end_turns(now_ms)
        must_commit_now = self._departure.must_commit_now(now_ms)
        self._keeper.commit(
            self._feed.settled, self._tool_calls.pending, now_ms, must_commit_now=must_commit_now
        )
        self._departure.leave(now_ms, has_input=self._feed.is_waiting)
        if not self._departure.has_left:
            self._client.post_next(now_ms)

    def _feed_input(self, now_ms: int) -> None:
        self._feed.order_input(now_ms)
        if self._feed.is_speech_waiting:
            self._live_sessions.leave_duplicating_session(now_ms)
        may_send = self._live_link.is_open and not self._tool_calls.is_blocking
        is_heard = self._turns.is_user_speaking or self._client_presence.may_begin_turn(now_ms)
        self._feed.feed_model(now_ms, is_open=may_send, is_heard=is_heard)
        self._departure.note_activity(self._feed.last_fed_ms)
        if self._feed.has_bye:
            self._close("bye", now_ms)
        # What waits behind a farewell objects to it, too, where it is not given before the end.
        is_held_back = not is_heard or self._departure.is_late(now_ms)
        is_objection = is_held_back and self._feed.is_speech_waiting
        if self._departure.closing == "end_call" and (
            is_objection or self._departure.has_user_objected
        ):
            self._departure.cancel_close(now_ms)

    def _check_answers(self, now_ms: int) -> None:
        turn = self._turns.current
        if turn is not None and self._tool_calls.is_wait_over(turn):
            self._replies.force_end_turn(turn, now_ms)
        if self._answer_watch.check(now_ms):
            self._model_events.note_model_activity(now_ms)
        if self._departure.closing is not None and self._turns.current is None:
            # A goodbye may come before the outcome of what was asked.
            self._tool_router.send_owed_answers(now_ms)

    def _maintain_live_session(self, now_ms: int) -> None:
        if (reason := self._live_sessions.replace_if_needed(now_ms)) is not None:
            self._close(reason, now_ms)
        if self._filler.check(now_ms):
            self._model_events.note_model_activity(now_ms)
        if self._live_sessions.reopen(now_ms):
            return
        turn = self._turns.current
        if turn is None:
            self._lost_replies.repeat_aloud()
            self._preference_mentions.say()
            if self._send_next_text(now_ms):
                self._departure.note_activity(now_ms)
        elif self._watchdog.is_watching() or self._tool_calls.is_waiting:
            pass
        elif self._departure.is_stalled(now_ms):
            # A reply that nobody asked for never ended, or an utterance never did.
            if not self._feed.drop_unproven_speech(now_ms):
                self._replies.force_end_turn(turn, now_ms)
            self._departure.note_activity(now_ms)

    def _send_next_text(self, now_ms: int) -> bool:
        if self._tool_router.send_owed_answers(now_ms):
            return True
        return not self._tool_calls.unspoken and self._cues.send_next(now_ms)

    # The end

    def _close(self, reason: CloseReason, now_ms: int) -> None:
        if self._departure.closing is None:
            self._feed.drop_unproven_speech(now_ms)
        # Last words are answered, for they may be a wish; a reply that is under way is cut.
        turn = self._turns.current
        has_last_words = reason == "bye" and turn is not None and not turn.has_reply
        may_speak = (has_last_words or reason == "limit_reached") and self._live_link.is_open
        awaits_reply = reason == "end_call" or may_speak
        if not self._departure.close(reason, now_ms, awaits_reply=awaits_reply):
            return
        if awaits_reply:
            return
        if reason in ("bye", "superseded"):
            self._replies.interrupt(now_ms)
        self._feed.record_unanswered_input(now_ms)
        self._replies.end_all_turns(now_ms)
        if reason == "erased":
            self._keeper.stop_writing()

    def _end_turns(self, now_ms: int) -> None:
        is_late = self._departure.is_late(now_ms)
        if self._keeper.may_commit and (is_late or not self._departure.may_take_replies):
            self._answer_watch.give_up(now_ms)
        if is_late:
            if not self._feed.record_unanswered_input(now_ms):
                self._feed.record_untranscribed_speech()
            self._turns.end_all(now_ms)
        elif self._turns.current is None and not self._departure.may_listen:
            # The last reply is over. What waited behind it is remembered without an answer.
            self._feed.record_unanswered_input(now_ms)
            self._replies.end_all_turns(now_ms)

    def _session_ending_limit(self, now_ms: int) -> LimitHit | None:
        turn, calls = self._turns.current, self._tool_calls
        has_called_tool = turn is not None and calls.has_called_tool(turn.number)
        return self._allowance.session_ending_limit(
            now_ms, has_open_calls=bool(calls), has_called_tool=has_called_tool
        )

    def _end_by_limit(self, hit: LimitHit, now_ms: int) -> None:
        self._feed.end_speech(now_ms)
        self._allowance.say_goodbye(hit, now_ms, may_speak=self._live_link.is_open)
        self._close("limit_reached", now_ms)

    def _force_hand_over(self, now_ms: int) -> None:
        if self._departure.closing == "end_call" and self._feed.is_speech_waiting:
            self._departure.cancel_close(now_ms)
        self._departure.force(now_ms)
        if self._departure.closing is None:
            self._turn_restarts.retract_turn(now_ms)
