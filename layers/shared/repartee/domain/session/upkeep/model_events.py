"""Hands on what is heard from the live model: what it says, what it asks for, and that it lives."""

from dataclasses import dataclass

from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveGenerationComplete,
    LiveGoAway,
    LiveInterrupted,
    LiveOpened,
    LiveText,
    LiveToolCall,
    LiveToolCallsCancelled,
    LiveTranscript,
    LiveTurnComplete,
    LiveUnknown,
    LiveUsage,
    Role,
    TurnStatus,
)
from repartee.domain.session.memory.keeper import MemoryKeeper
from repartee.domain.session.model.link import LiveLink
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.tools.router import ToolRouter
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.transcripts import PlacedTranscript, UserTranscripts
from repartee.domain.session.upkeep.context import LiveContext
from repartee.domain.session.upkeep.departure import Departure
from repartee.domain.session.upkeep.utterance_retry import UtteranceRetry
from repartee.domain.session.upkeep.watchdog import Watchdog


@dataclass(slots=True)
class ModelEvents:
    """Listens to the current live session, until that is gone."""

    _live_link: LiveLink
    _context: LiveContext
    _watchdog: Watchdog
    _replies: Replies
    _tool_router: ToolRouter
    _tool_calls: ToolCalls
    _turns: TurnLedger
    _transcripts: UserTranscripts
    _keeper: MemoryKeeper
    _utterance_retry: UtteranceRetry
    _departure: Departure

    def handle(self, event: LiveEvent, now_ms: int) -> bool:
        """Take in anything but the end of the live session; True when the model hangs up."""
        if not isinstance(event, LiveOpened | LiveUnknown):
            self._live_link.mark_reacted()
            self._context.confirm_setup()
        match event:
            case LiveOpened():
                self._live_link.mark_open(now_ms)
                self._transcripts.begin_session()
                self.note_model_activity(now_ms)
                # What the user has settled while it was set up waits for no commit.
                if self._context.is_outdated:
                    self._context.request_reseed()
            case LiveGoAway(time_left_ms=time_left_ms):
                self._live_link.plan_rotation(time_left_ms, now_ms)
            case LiveUsage(usage=usage):
                self._context.note_usage(usage)
            case LiveTranscript(role=Role.USER):
                self._read(event, now_ms)
            case _ if (
                self._departure.may_take_replies
                and not self._utterance_retry.is_duplicate_reply(event)
            ):
                return self._hear_reply(event, now_ms)
            case _:
                pass
        return False

    def handle_previous_session(self, event: LiveEvent, now_ms: int) -> None:
        """Take in what still comes of a live session that is not the current one any more."""
        if isinstance(event, LiveTranscript) and event.role is Role.USER:
            self._amend(self._transcripts.add_from_previous_session(event, now_ms))

    def _read(self, piece: LiveTranscript, now_ms: int) -> None:
        """Take in what was understood of the user; once the session closes, it delays nothing."""
        placed = self._transcripts.take(piece, now_ms)
        self._amend(placed)
        if placed.is_current and self._departure.closing is None:
            self.note_model_activity(now_ms)

    def _amend(self, placed: PlacedTranscript) -> None:
        if placed.amended is not None:
            self._keeper.amend(placed.amended)

    def note_model_activity(self, now_ms: int) -> None:
        """The model has done something, or was given what it waited for."""
        self._departure.note_activity(now_ms)
        self._watchdog.note_activity(now_ms)
        # There is more to come, such as words for an answer; the next commit is early enough.
        self._context.postpone_reseed()

    def _hear_reply(self, event: LiveEvent, now_ms: int) -> bool:
        hangs_up = False
        match event:
            case LiveAudio(pcm=pcm):
                self._tool_calls.clear_kept_open()
                if self._replies.send_audio(pcm, now_ms):
                    self._tool_calls.unspoken.note_speech(now_ms)
            case LiveText(text=text):
                self._replies.add_text(text, now_ms)
            case LiveTranscript():
                self._replies.transcribe(event, now_ms)
                self._tool_calls.unspoken.add_transcript(event.text)
            case LiveInterrupted():
                self._interrupt(now_ms)
            case LiveGenerationComplete():
                self._tool_calls.unspoken.end_generation(now_ms)
                return False
            case LiveTurnComplete(status=status):
                self._tool_calls.unspoken.end_generation(now_ms)
                self._tool_calls.unspoken.end_turn()
                self._replies.end_generation()
                self._complete_turn(status, now_ms)
            case LiveToolCall():
                hangs_up = self._tool_router.begin(event, now_ms)
            case LiveToolCallsCancelled(call_ids=call_ids):
                self._tool_calls.cancel(call_ids)
            case _:
                # Handles are not needed: every new session is re-seeded.
                return False
        self.note_model_activity(now_ms)
        return hangs_up

    def _interrupt(self, now_ms: int) -> None:
        turn = self._turns.current
        number, said = (0, "") if turn is None else (turn.number, turn.said)
        if not self._replies.interrupt_for_copy():
            self._replies.interrupt(now_ms)
        heard = "" if turn is None else turn.said
        self._tool_calls.unspoken.cut(number, heard, now_ms, is_whole=heard == said)

    def _complete_turn(self, status: TurnStatus | None, now_ms: int) -> None:
        turn, is_idle = self._turns.current, status is TurnStatus.IDLE
        is_kept_open = turn is not None and (
            turn.reply.awaits_copy or self._tool_calls.keep_open(turn, is_idle=is_idle)
        )
        if status is TurnStatus.IN_PROGRESS or is_kept_open:
            self._replies.pause()
        elif not self._watchdog.is_reply_missing() and self._replies.end_turn(now_ms):
            self._live_link.reset_failures()
