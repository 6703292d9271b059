"""The session: every rule of a voice call, without a clock, a socket or a thread.

Events go in, effects come out. ``application.run_session`` carries the effects out.
"""

import base64
from collections import deque
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from repartee.domain.calls import (
    ASK_CORE_AGENT,
    END_CALL,
    SET_LANGUAGE,
    CallStatus,
    CoreAnswer,
)
from repartee.domain.conversation import Memory, Turn
from repartee.domain.frames import (
    CloseReason,
    Missing,
    ReplyAudio,
    ReplyLost,
    SessionClosed,
    SessionError,
    ToolProgress,
    Transcript,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.live import (
    LiveAudio,
    LiveClosed,
    LiveConfig,
    LiveEvent,
    LiveFailure,
    LiveGoAway,
    LiveInterrupted,
    LiveOpened,
    LiveToolCall,
    LiveToolCallsCancelled,
    LiveTranscript,
    LiveTurnComplete,
    LiveUsage,
    Role,
    ToolResponse,
    TurnStatus,
)
from repartee.domain.messages import (
    Acknowledged,
    Audio,
    Bye,
    Detached,
    Hello,
    Notice,
    Numbered,
    SpeechEnd,
    SpeechStart,
    Superseded,
    Text,
)
from repartee.domain.seed import TOOLS, Occasion, history, system_instruction
from repartee.domain.session.client_link import ClientLink
from repartee.domain.session.effects import (
    AskCoreAgent,
    CloseConnection,
    CommitTurn,
    DeleteInput,
    Effect,
    EndAudioStream,
    Finish,
    FinishReason,
    RespondToTool,
    SaveProfile,
    SendAudio,
    SendText,
)
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
    Tick,
    TimeRunningOut,
    TurnCommitted,
)
from repartee.domain.session.input_order import InputOrder
from repartee.domain.session.live_link import LiveLink
from repartee.domain.session.outbox import Outbox
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.tool_calls import NO_ANSWER, CallInProgress, ToolCalls, text_argument
from repartee.domain.session.turn_in_progress import TurnInProgress
from repartee.domain.session.turn_ledger import TurnLedger
from repartee.domain.session_state import Lease
from repartee.domain.speech import SpeechDetector, SpeechEdge
from repartee.domain.usage import TokenUsage

# Gemini's parts are about 11.5 kB; a larger one is split so that base64 and JSON fit 32 KB.
MAX_REPLY_PCM_BYTES = 18_000
AUDIO_STREAM_END_AFTER_MS = 1_000
# Handing over takes a boundary between turns; without one by the second mark it is forced.
HAND_OVER_MS = 90_000
FORCED_HAND_OVER_MS = 20_000
# A farewell is spoken to its end; everything else closes as soon as the client has been told.
CLOSING_MS = 3_000
FAREWELL_MS = 20_000
# A detector hears speech late; what came shortly before belongs to it.
ONSET_PAD_MESSAGES = 2


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
        state = lease.state
        self._lease = lease
        self._memory = memory
        self._settings = settings
        self._detector = detector
        self._unix_offset_ms = unix_offset_ms
        self._order = InputOrder(state.cursor)
        self._client = ClientLink(Outbox(state.epoch), state.connection_id, state.cursor)
        self._outbox = self._client.outbox
        self._live = LiveLink()
        self._turns = TurnLedger(memory.conversation.turn_count + 1)
        self._calls = ToolCalls()
        self._language = memory.profile.language or settings.language
        # Input in order that waits for the model, and how far it has been given to it.
        self._ready: deque[Numbered] = deque()
        self._consumed = self._deleted_through = state.cursor
        self._stream_open_since_ms: int | None = None
        self._client_marks_speech = False
        self._last_activity_ms = 0
        self._closing: CloseReason | None = None
        self._closing_by_ms = 0
        self._has_said_closed = False
        self._must_hand_over = False
        self._is_done = False
        self._now_ms = 0
        self._effects: list[Effect] = []

    @property
    def read_after(self) -> int:
        """Mailbox entries up to this number need not be read again."""
        return self._order.read_after

    @property
    def cursor(self) -> int:
        """Input up to here is of no use to any later worker."""
        return self._turns.cursor(self._consumed, after_commit=False)

    @property
    def is_listening(self) -> bool:
        """Tell whether speech is flowing, so that the mailbox deserves frequent looks."""
        return self._stream_open_since_ms is not None

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Take in what happened; return what is to be done, in order.

        Args:
            event: What happened.
            now_ms: The present on a clock that never jumps.
        """
        if self._is_done:
            return []
        self._now_ms = now_ms
        self._take_in(event, now_ms)
        if not self._is_done:
            self._settle(now_ms)
        effects, self._effects = self._effects, []
        return effects

    def next_deadline_ms(self) -> int | None:
        """Return when a ``Tick`` is due, None when only events can change anything."""
        if self._is_done:
            return None
        grace_ms = self._settings.grace_ms
        deadlines = [
            self._order.next_deadline_ms(),
            self._client.next_deadline_ms(self._order.through),
            self._calls.next_deadline_ms(),
            self._live.next_deadline_ms(),
            self._last_activity_ms + self._settings.linger_ms,
        ]
        if self._stream_open_since_ms is not None:
            deadlines.append(self._stream_open_since_ms + AUDIO_STREAM_END_AFTER_MS)
        if self._turns.finished:
            deadlines.append(self._turns.finished[0].over_at_ms + grace_ms)
        if self._client.detached_at_ms is not None:
            deadlines.append(self._client.detached_at_ms + grace_ms)
        if self._closing is not None:
            deadlines.append(self._closing_by_ms)
        # What lies behind has had its chance in the last ``handle``.
        return min((one for one in deadlines if one and one > self._now_ms), default=None)

    def _take_in(self, event: Event, now_ms: int) -> None:  # noqa: C901 - one case per event
        match event:
            case Started():
                self._start(now_ms)
            case MailboxRead(entries=entries):
                for entry in entries:
                    if isinstance(entry, Numbered):
                        self._receive(entry, now_ms)
                    else:
                        self._notice(entry.notice_id, entry.notice, now_ms)
            case FromLive(generation=generation, event=live_event):
                if generation == self._live.generation:
                    self._hear_from_live(live_event, now_ms)
            case CoreAnswered(key=key, answer=answer):
                if (call := self._calls.end(key)) is not None:
                    self._answer(call, answer)
                    self._last_activity_ms = now_ms
            case FramePosted(connection_id=connection_id, seq=seq):
                if connection_id == self._client.connection_id:
                    self._outbox.posted(seq)
            case PostRefused(connection_id=connection_id, seq=seq, is_gone=is_gone):
                if connection_id == self._client.connection_id:
                    self._outbox.refused(seq, now_ms, is_gone=is_gone)
                if is_gone:
                    self._effects += self._client.detach(connection_id, now_ms)
            case TurnCommitted():
                self._remember_committed()
            case ConversationLost(is_erased=is_erased):
                self._turns.is_committing = False
                self._close("erased" if is_erased else "superseded", now_ms)
            case LeaseWasLost():
                self._finish(FinishReason.FENCED)
            case TimeRunningOut(remaining_ms=remaining_ms):
                self._must_hand_over = True
                if remaining_ms <= FORCED_HAND_OVER_MS:
                    self._finish(FinishReason.HAND_OVER)
            case Tick():
                pass

    # The beginning

    def _start(self, now_ms: int) -> None:
        self._last_activity_ms = now_ms
        state = self._lease.state
        if self._memory.profile.erased_at_ms is not None:
            self._close("erased", now_ms)
        elif self._memory.conversation.live_session_id not in (None, state.session_id):
            self._close("superseded", now_ms)
        else:
            if self._lease.is_takeover:
                self._outbox.offer(TurnRestarted(self._turns.next_number))
            self._open_live(now_ms)
            for pending in state.pending_calls:
                self._ask(self._calls.adopt(pending, now_ms), now_ms)

    def _open_live(self, now_ms: int) -> None:
        settings = self._settings
        unix_s = (now_ms + self._unix_offset_ms) / 1000
        now = datetime.fromtimestamp(unix_s, UTC).astimezone(settings.zone)
        uncommitted = (self._record(turn) for turn in self._turns.finished)
        config = LiveConfig(
            model=settings.live_model,
            voice=self._memory.profile.voice or settings.voice,
            language=self._language,
            system_instruction=system_instruction(
                self._memory, Occasion(now, settings.zone_name, self._language)
            ),
            tools=TOOLS,
            history=history((*self._memory.turns, *uncommitted)),
        )
        self._stream_open_since_ms = None
        self._effects.append(self._live.open(config))

    # What the client sends

    def _receive(self, numbered: Numbered, now_ms: int) -> None:
        if not self._order.add(numbered, now_ms):
            return
        # A hello counts at once, wherever it stands: what is missing before it will be sent
        # again over the connection that it opens.
        effects, is_lost = self._client.attach(numbered)
        self._effects += effects
        if is_lost and self._memory.turns:
            last = self._memory.turns[-1]
            self._outbox.offer(ReplyLost(last.number, last.said))

    def _notice(self, notice_id: str, notice: Notice, now_ms: int) -> None:
        match notice:
            case Acknowledged():
                self._client.acknowledge(notice)
                return
            case Detached(connection_id=connection_id):
                self._effects += self._client.detach(connection_id, now_ms)
            case Superseded():
                self._close("superseded", now_ms)
        self._effects.append(DeleteInput((), (notice_id,)))

    def _consume(self, numbered: Numbered, now_ms: int) -> None:
        self._consumed = max(self._consumed, numbered.seq)
        self._last_activity_ms = now_ms
        match numbered.message:
            case Audio(pcm=pcm):
                self._stream_open_since_ms = now_ms
                self._effects.append(SendAudio(pcm))
                self._follow_speech(numbered.seq, pcm, now_ms)
            case SpeechStart():
                self._client_marks_speech = True
                self._turns.begin_input(numbered.seq, now_ms)
            case SpeechEnd():
                self._turns.end_input(now_ms)
                self._end_audio_stream()
            case Text(text=text):
                self._turns.begin_input(numbered.seq, now_ms).hear(text)
                self._turns.end_input(now_ms)
                self._effects.append(SendText(text))
            case Bye():
                self._close("bye", now_ms)
            case Hello():
                pass

    def _follow_speech(self, seq: int, pcm: bytes, now_ms: int) -> None:
        if self._client_marks_speech:
            return
        edge = self._detector.hear(pcm)
        if edge is SpeechEdge.ONSET:
            first = max(seq - ONSET_PAD_MESSAGES, self.cursor + 1)
            self._turns.begin_input(first, now_ms)
        elif edge is SpeechEdge.END:
            self._turns.end_input(now_ms)

    def _end_audio_stream(self) -> None:
        if self._stream_open_since_ms is not None:
            self._stream_open_since_ms = None
            self._effects.append(EndAudioStream())

    # What the model says

    def _hear_from_live(  # noqa: C901 - one case per event
        self, event: LiveEvent, now_ms: int
    ) -> None:
        match event:
            case LiveOpened():
                self._live.is_open = True
                self._last_activity_ms = now_ms
            case LiveAudio(pcm=pcm):
                self._speak(pcm, now_ms)
            case LiveTranscript(role=Role.USER, text=text, final=final):
                turn = self._turns.of_input(now_ms)
                turn.hear(text)
                self._outbox.offer(Transcript(turn.number, "user", text, final))
            case LiveTranscript(role=Role.MODEL, text=text, final=final):
                turn = self._turns.of_reply(now_ms)
                piece = turn.say(text)
                self._outbox.offer(Transcript(turn.number, "model", piece, final))
            case LiveInterrupted():
                self._interrupt()
            case LiveTurnComplete(status=status):
                if status is not TurnStatus.IN_PROGRESS:
                    self._turn_over(now_ms)
                elif self._turns.current is not None:
                    self._turns.current.pause()
            case LiveToolCall():
                self._begin_call(event, now_ms)
            case LiveToolCallsCancelled(call_ids=call_ids):
                for call in self._calls.cancel(call_ids):
                    self._outbox.offer(ToolProgress(call.key.turn, call.name, "cancelled"))
            case LiveUsage(usage=usage):
                self._bill(usage, now_ms)
            case LiveGoAway(time_left_ms=time_left_ms):
                self._live.go_away(time_left_ms, now_ms)
            case LiveClosed():
                self._lose_live(event, now_ms)
            case _:
                # Handles and generation marks are not needed: every new session is re-seeded.
                pass

    def _speak(self, pcm: bytes, now_ms: int) -> None:
        turn = self._turns.of_reply(now_ms)
        if turn.first_audio_at_ms is None:
            turn.first_audio_at_ms = now_ms
        turn.reply_bytes += len(pcm)
        for start in range(0, len(pcm), MAX_REPLY_PCM_BYTES):
            data = base64.b64encode(pcm[start : start + MAX_REPLY_PCM_BYTES]).decode()
            self._outbox.offer(ReplyAudio(turn.number, data))

    def _interrupt(self) -> None:
        turn = self._turns.current
        if turn is not None and turn.has_reply:
            self._outbox.interrupt(turn.number)
            turn.cut(self._client.played_ms(turn.number))

    def _turn_over(self, now_ms: int) -> None:
        turn = self._turns.current
        if turn is None or (turn.is_being_spoken and not turn.has_reply):
            # An interrupted generation ends too, while the user is still speaking.
            return
        self._turns.over(now_ms)
        self._live.completed_turn()
        self._last_activity_ms = now_ms
        self._outbox.offer(
            TurnEnd(
                turn.number,
                tokens_in=turn.usage.tokens_in,
                tokens_out=turn.usage.tokens_out,
                cost_usd=float(self._settings.prices.cost_usd(turn.usage)),
                first_audio_ms=turn.first_audio_ms,
                skipped_messages=sum(gap.last_seq - gap.first_seq + 1 for gap in turn.skipped),
            )
        )

    def _bill(self, usage: TokenUsage, now_ms: int) -> None:
        if self._turns.current is None and self._turns.finished:
            turn = self._turns.finished[-1]
        else:
            turn = self._turns.of_reply(now_ms)
        turn.usage += usage

    # Tools

    def _begin_call(self, event: LiveToolCall, now_ms: int) -> None:
        turn = self._turns.of_reply(now_ms)
        call = self._calls.begin(event, turn.number, now_ms)
        if call is None:
            return
        self._outbox.offer(ToolProgress(turn.number, call.name, "started"))
        if call.name == ASK_CORE_AGENT:
            self._ask(call, now_ms)
            return
        self._calls.end(call.key)
        if call.name == SET_LANGUAGE:
            self._answer(call, self._set_language(call))
        elif call.name == END_CALL:
            self._answer(call, CoreAnswer(CallStatus.DONE, "The call ends after your farewell."))
            self._close("end_call", now_ms)
        else:
            self._answer(call, CoreAnswer(CallStatus.REFUSED, f"There is no tool {call.name}."))

    def _ask(self, call: CallInProgress, now_ms: int) -> None:
        question = text_argument(call.arguments_json, "question")
        if question is None:
            self._calls.end(call.key)
            self._answer(call, CoreAnswer(CallStatus.REFUSED, "Say in question what is wanted."))
            return
        timeout_ms = call.deadline_ms - now_ms
        self._effects.append(AskCoreAgent(call.key, question, self._language, timeout_ms))

    def _set_language(self, call: CallInProgress) -> CoreAnswer:
        language = text_argument(call.arguments_json, "language")
        if language is None:
            return CoreAnswer(CallStatus.REFUSED, "Say in language which one, such as es-ES.")
        self._language = language
        profile = replace(self._memory.profile, language=language)
        self._memory = replace(self._memory, profile=profile)
        self._effects.append(SaveProfile(profile))
        return CoreAnswer(CallStatus.DONE, f"Speak {language} from now on.")

    def _answer(self, call: CallInProgress, answer: CoreAnswer) -> None:
        phase: Literal["done", "failed"] = "done" if answer.status is CallStatus.DONE else "failed"
        self._outbox.offer(ToolProgress(call.key.turn, call.name, phase))
        for turn in (*self._turns.finished, self._turns.current):
            if turn is not None and turn.number == call.key.turn:
                turn.tool_calls.append(call.ended(answer))
        if call.is_orphan:
            self._effects.append(SendText(f"(The answer that was still owed: {answer.answer})"))
        for call_id in call.call_ids:
            response = ToolResponse(
                call_id, call.name, answer.status, answer.answer, answer.retryable
            )
            self._effects.append(RespondToTool(response))

    # When the model goes away

    def _lose_live(self, closed: LiveClosed, now_ms: int) -> None:
        failure = self._live.lose(closed, now_ms)
        if failure is not None:
            self._close("refused" if failure is LiveFailure.REFUSED else "unavailable", now_ms)
            return
        self._restart_turn(now_ms)
        if closed.failure is LiveFailure.BUSY:
            self._outbox.offer(
                SessionError("model_busy", "The model is busy; trying again.", retryable=True)
            )

    def _restart_turn(self, now_ms: int) -> None:
        """Give the turn that was cut off to the next live session, from its first message on."""
        if (turn := self._turns.current) is not None and turn.first_seq is None:
            self._interrupt()
            self._turn_over(now_ms)
        turn = self._turns.current
        self._calls.lose_session(turn.number if turn else None)
        if turn is None or turn.first_seq is None:
            return
        self._outbox.drop_audio(turn.number)
        if turn.has_reply:
            self._outbox.offer(TurnRestarted(turn.number))
        self._turns.forget_current()
        self._consumed = turn.first_seq - 1
        self._order.rewind(self._consumed)
        self._ready.clear()

    # Everything that time or the event before has made due

    def _settle(self, now_ms: int) -> None:
        self._move_input(now_ms)
        for call in self._calls.expired(now_ms):
            self._calls.end(call.key)
            self._answer(call, NO_ANSWER)
        self._rotate_live(now_ms)
        self._commit(now_ms)
        self._leave(now_ms)
        if not self._is_done and (post := self._client.next_post(now_ms)) is not None:
            self._effects.append(post)

    def _move_input(self, now_ms: int) -> None:
        self._ready.extend(self._order.take(now_ms))
        if (gap := self._order.missing(now_ms)) is not None:
            self._outbox.offer(Missing(gap.first_seq, gap.last_seq))
        if (gap := self._order.give_up(now_ms)) is not None:
            if (turn := self._turns.upcoming or self._turns.current) is not None:
                turn.skipped.append(gap)
            self._ready.extend(self._order.take(now_ms))
        is_urgent = not any(isinstance(one.message, Audio) for one in self._ready)
        self._client.report_accepted(self._order.through, now_ms, is_urgent=is_urgent)
        while self._ready and self._live.is_open and self._closing is None:
            self._consume(self._ready.popleft(), now_ms)
        open_since_ms = self._stream_open_since_ms
        if open_since_ms is not None and now_ms >= open_since_ms + AUDIO_STREAM_END_AFTER_MS:
            self._end_audio_stream()

    def _rotate_live(self, now_ms: int) -> None:
        if self._closing is not None:
            return
        is_between_turns = self._turns.current is None and not self._calls
        if self._live.must_reopen(now_ms):
            self._open_live(now_ms)
        elif self._live.must_rotate(now_ms, is_between_turns=is_between_turns):
            self._restart_turn(now_ms)
            self._open_live(now_ms)

    def _commit(self, now_ms: int) -> None:
        if not self._turns.finished or self._turns.is_committing:
            return
        turn = self._turns.finished[0]
        is_overdue = now_ms >= turn.over_at_ms + self._settings.grace_ms
        is_pressing = self._closing == "bye" or (
            self._closing is not None and now_ms >= self._closing_by_ms
        )
        if self._outbox.has_delivered(turn.number) or is_overdue or is_pressing:
            self._turns.is_committing = True
            cursor = self._turns.cursor(self._consumed, after_commit=True)
            self._effects.append(CommitTurn(self._record(turn), cursor, self._calls.pending))

    def _remember_committed(self) -> None:
        turn = self._record(self._turns.committed())
        self._memory = replace(self._memory, turns=(*self._memory.turns, turn))
        if self.cursor > self._deleted_through:
            seqs = tuple(range(self._deleted_through + 1, self.cursor + 1))
            self._deleted_through = self.cursor
            self._effects.append(DeleteInput(seqs, ()))

    def _record(self, turn: TurnInProgress) -> Turn:
        return turn.record(
            self._lease.state.session_id, self._settings.prices, self._unix_offset_ms
        )

    # The end

    def _close(self, reason: CloseReason, now_ms: int) -> None:
        if self._closing is not None:
            return
        self._closing = reason
        self._closing_by_ms = now_ms + (FAREWELL_MS if reason == "end_call" else CLOSING_MS)
        if reason == "bye":
            self._interrupt()
        if reason != "end_call":
            while self._turns.over(now_ms) is not None:
                pass
        if reason in ("superseded", "erased"):
            self._turns.finished.clear()

    def _leave(self, now_ms: int) -> None:
        if self._closing is not None:
            self._leave_for_good(self._closing, now_ms)
            return
        is_idle = not (self._turns or self._calls or self._ready)
        detached_at_ms = self._client.detached_at_ms
        is_abandoned = (
            detached_at_ms is not None and now_ms >= detached_at_ms + self._settings.grace_ms
        )
        is_unused = now_ms >= self._last_activity_ms + self._settings.linger_ms
        if is_idle and self._must_hand_over:
            self._finish(FinishReason.HAND_OVER)
        elif is_idle and (is_abandoned or is_unused):
            self._finish(FinishReason.IDLE)
        elif is_unused and self._turns.current is not None and not self._calls:
            # The model never answered, or never ended its answer.
            self._turns.end_input(now_ms)
            self._turn_over(now_ms)

    def _leave_for_good(self, reason: CloseReason, now_ms: int) -> None:
        is_late = now_ms >= self._closing_by_ms
        if (self._turns or self._calls) and not is_late:
            return
        if not self._has_said_closed:
            self._outbox.offer(SessionClosed(reason))
            self._has_said_closed = True
            self._closing_by_ms = now_ms + CLOSING_MS
            return
        if self._turns.is_committing and not is_late:
            return
        connection_id = self._client.connection_id
        if self._outbox.is_empty() or connection_id is None or is_late:
            if connection_id is not None:
                self._effects.append(CloseConnection(connection_id))
            self._finish(FinishReason.ENDED)

    def _finish(self, reason: FinishReason) -> None:
        self._effects.append(Finish(reason))
        self._is_done = True
