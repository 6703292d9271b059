"""Dispatches the events of the live model's reply: audio, text, tool calls and their ends."""

from dataclasses import dataclass

from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveText,
    LiveToolCall,
    LiveToolCallsCancelled,
    LiveTranscript,
    LiveTurnComplete,
    TurnStatus,
)
from repartee.domain.session.tools.answer_watch import cut_reply
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.tools.router import ToolRouter
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.transcripts import PlacedTranscript
from repartee.domain.session.upkeep.live_sessions import LiveSessions
from repartee.domain.session.upkeep.watchdog import Watchdog

_OUTPUT = LiveAudio | LiveText | LiveTranscript | LiveToolCall


@dataclass(slots=True)
class ReplyEvents:
    """Dispatches the events of the model's reply to the components that handle them."""

    _live_sessions: LiveSessions
    _watchdog: Watchdog
    _replies: Replies
    _tool_router: ToolRouter
    _tool_calls: ToolCalls
    _turns: TurnLedger

    def late_words(self, event: LiveEvent, now_ms: int) -> PlacedTranscript | None:
        """Add late words to the previous reply; return None if ``event`` has none.

        While an answer of a tool is open or not spoken, words without a turn may speak it.
        """
        if not isinstance(event, LiveTranscript) or self._tool_calls:
            return None
        return self._replies.add_late_words(event, now_ms)

    def handle(self, event: LiveEvent, now_ms: int) -> bool:
        """Handle a part of the reply; return whether the model has called ``end_call``."""
        hangs_up = False
        match event:
            case LiveAudio(pcm=pcm):
                self._begin_reply(now_ms)
                self._tool_calls.clear_kept_open()
                if self._replies.send_audio(pcm, now_ms):
                    self._tool_calls.unspoken.note_speech(now_ms)
            case LiveText(text=text):
                self._begin_reply(now_ms)
                self._replies.add_text(text, now_ms)
            case LiveTranscript():
                self._begin_reply(now_ms)
                if event.text and not self._turns.is_replying:
                    # Words may precede their audio. In a turn with a reply they may be late words.
                    self._tool_calls.clear_kept_open()
                self._replies.transcribe(event, now_ms)
                self._tool_calls.unspoken.add_transcript(event.text)
            case LiveInterrupted():
                cut_reply(self._turns, self._replies, self._tool_calls, now_ms)
            case LiveGenerationComplete():
                self._tool_calls.unspoken.end_generation(self._turns.speaking_number, now_ms)
                return False
            case LiveTurnComplete(status=status):
                self._tool_calls.unspoken.end_generation(self._turns.speaking_number, now_ms)
                self._tool_calls.unspoken.end_turn()
                self._replies.end_generation()
                self._complete_turn(status, now_ms)
            case LiveToolCall():
                hangs_up = self._tool_router.begin(event, now_ms)
            case LiveToolCallsCancelled(call_ids=call_ids):
                self._tool_calls.cancel(call_ids)
            case _:
                # Other events do not concern the reply.
                return False
        if self._turns.current is not None and isinstance(event, _OUTPUT):
            self._turns.current.reply.note_output(now_ms)
        self._live_sessions.note_activity(now_ms)
        return hangs_up

    def _begin_reply(self, now_ms: int) -> None:
        """Keep the user's speech apart from a reply to an earlier cue or answer of a tool."""
        turn = self._turns.current
        if turn is None or turn.has_reply or not turn.is_being_spoken:
            return
        if turn.is_stretch_transcribed:
            return
        speaks_answer = self._tool_calls.unspoken.expect_before(turn.speech_from_seq)
        # Cues are sent in silence only, so the speech began after a cue that is awaited.
        if speaks_answer or self._replies.is_cue_awaited:
            self._turns.postpone_speech(turn, now_ms)

    def _complete_turn(self, status: TurnStatus | None, now_ms: int) -> None:
        turn, is_idle = self._turns.current, status is TurnStatus.IDLE
        is_kept_open = turn is not None and (
            turn.reply.awaits_copy or self._tool_calls.keep_open(turn, is_idle=is_idle)
        )
        if status is TurnStatus.IN_PROGRESS or is_kept_open:
            self._replies.pause()
        elif not self._watchdog.is_reply_missing() and self._replies.end_turn(now_ms):
            self._live_sessions.reset_failures()
