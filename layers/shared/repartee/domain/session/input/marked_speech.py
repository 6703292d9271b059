"""Decides whether audio that a client marks is speech, so that a tap or a cough is no turn."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from repartee.domain.live.model import (
    LiveAudio,
    LiveEvent,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveText,
    LiveToolCall,
    LiveTranscript,
    LiveTurnComplete,
    Role,
)
from repartee.domain.session.input.speech_channel import SpeechChannel
from repartee.domain.session.model.cues import Cues
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.replies import Replies
from repartee.domain.session.turns.turn import TurnInProgress
from repartee.domain.speech_detection import SpeechDetector, SpeechEdge
from repartee.domain.text.characters import is_visible

# A transcript arrives 1 to 2 s after the end of the speech.
DOUBT_MS = 5_000
# A transcript may arrive up to 1.5 s after the end of the reply.
LATE_TRANSCRIPT_MS = 1_500
# Longer than a reply to a noise takes.
MAX_HELD_MS = 20_000

_REPLY = (
    LiveAudio,
    LiveGenerationComplete,
    LiveInterrupted,
    LiveText,
    LiveTranscript,
    LiveTurnComplete,
)


@dataclass(slots=True)
class MarkedSpeech:
    """Classifies the audio between a client's marks by the detector's result.

    - Speech becomes a turn.
    - Silence becomes no turn, and the model does not receive it.
    - Other sound may be a whisper, so the model receives it. The model's transcript decides:
      without one the reply is dropped and there is no turn.
    - If the model interrupted its reply for a noise, it is asked for the rest of that reply.
    """

    _detector: SpeechDetector
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _cues: Cues
    _speech: SpeechChannel
    _replies: Replies
    _is_proven: bool = True
    _is_sent: bool = False
    _through_seq: int = 0
    _drop_at_ms: int | None = None
    _is_dropping_reply: bool = False
    _has_cut_reply: bool = False
    _held: list[LiveEvent] = field(default_factory=list)

    def begin(self) -> None:
        """Handle the mark of a start; it is not known yet whether the audio is speech."""
        self._is_proven = self._is_sent = self._has_cut_reply = False
        self._detector.forget()
        self._speech.hold_until_proven()

    def send(self, pcm: bytes) -> None:
        """Handle audio between the marks: PCM16 mono, 16 kHz."""
        self._is_sent |= self._speech.send(pcm)
        if self._is_proven:
            return
        edge = self._detector.hear(pcm)
        if edge is SpeechEdge.ONSET:
            self.accept_as_speech(is_open=True)
        elif edge is SpeechEdge.SOUND:
            self._is_sent = True
            self._speech.start()

    def accept_as_speech(self, *, is_open: bool) -> None:
        """Treat the audio as speech, for example because a part of it is missing.

        Args:
            is_open: Whether the model takes input.
        """
        if not self._is_proven:
            self._replies.report_speech()
        self._is_proven = True
        if is_open:
            self._speech.start()

    def end(self, seq: int, now_ms: int) -> None:
        """Handle the mark of the end at ``seq``."""
        is_proven, self._is_proven = self._is_proven, True
        turn = self._turns.newest
        if is_proven or turn is None or turn.is_stretch_transcribed:
            return
        self._through_seq = seq
        if not self._is_sent:
            self._retract(turn, now_ms)
        elif not (turn.has_reply or self._tool_calls.has_called_tool(turn.number)):
            turn.mark_doubtful()
            self._drop_at_ms = now_ms + DOUBT_MS

    def report_unmarked(self) -> None:
        """Report speech to the client that the detector found without marks."""
        self._replies.report_speech()

    def filter_event(self, event: LiveEvent, now_ms: int) -> Iterator[LiveEvent]:
        """Yield the events that the session handles now, and hold back replies to possible noise.

        The caller must handle each event before it takes the next one.
        """
        turn = self._turns.current
        if isinstance(event, LiveInterrupted) and turn is not None and turn.has_reply:
            newest = self._turns.upcoming
            may_be_noise = newest is not None and newest.may_be_noise
            is_cut_by_it = not turn.reply.is_stopped
            self._has_cut_reply = is_cut_by_it and (may_be_noise or not self._is_proven)
        if turn is not None and turn.may_be_noise and not self._cues.is_awaited:
            yield from self._judge(turn, event, now_ms)
        elif self._is_dropping_reply and isinstance(event, _REPLY) and not _is_transcript(event):
            self._is_dropping_reply = not isinstance(event, LiveTurnComplete)
        else:
            yield event

    def _judge(self, turn: TurnInProgress, event: LiveEvent, now_ms: int) -> Iterator[LiveEvent]:
        if isinstance(event, LiveToolCall):
            yield from self._release(turn)
            yield event
        elif _is_transcript(event) or not isinstance(event, _REPLY):
            yield event
            if not turn.may_be_noise:
                # The transcript was that of this turn, not a late one of an earlier turn.
                yield from self._release(turn)
        else:
            if isinstance(event, LiveTurnComplete):
                self._drop_at_ms = now_ms + LATE_TRANSCRIPT_MS
            elif not self._held:
                self._drop_at_ms = now_ms + MAX_HELD_MS
            self._held.append(event)

    def _release(self, turn: TurnInProgress) -> list[LiveEvent]:
        turn.mark_certain()
        held = self._held.copy()
        self.forget()
        return held

    def check(self, now_ms: int) -> None:
        """Drop the sound if no transcript has arrived in time."""
        if self._drop_at_ms is not None and now_ms >= self._drop_at_ms:
            self.drop(self._through_seq, now_ms)

    def next_deadline_ms(self) -> int | None:
        """Return when the sound counts as noise, None if no sound is in doubt."""
        return self._drop_at_ms

    def drop(self, seq: int, now_ms: int) -> bool:
        """Drop sound up to ``seq`` that is not known to be speech; return whether there was any."""
        turn = self._turns.newest
        is_reply_over = any(isinstance(one, LiveTurnComplete) for one in self._held)
        drops_reply = bool(self._held) and not is_reply_over
        is_proven = self._is_proven
        self.forget()
        if turn is None or turn.is_stretch_transcribed:
            return False
        if not (turn.may_be_noise or (turn.is_being_spoken and not is_proven)):
            return False
        self._through_seq, self._is_dropping_reply = seq, drops_reply
        self._retract(turn, now_ms)
        return True

    def forget(self) -> None:
        """Stop waiting for a transcript, and drop events that were held back."""
        self._is_proven = True
        self._drop_at_ms = None
        self._is_dropping_reply = False
        self._held.clear()

    def _retract(self, turn: TurnInProgress, now_ms: int) -> None:
        if self._tool_calls.has_called_tool(turn.number) and not turn.has_earlier_speech:
            # The model has made a call, so it has understood speech.
            return
        self._turns.retract_stretch(now_ms)
        if self._has_cut_reply:
            self._has_cut_reply = False
            self._replies.resume_after_noise()
        self._replies.report_no_speech(self._through_seq)


def _is_transcript(event: LiveEvent) -> bool:
    return isinstance(event, LiveTranscript) and event.role is Role.USER and is_visible(event.text)
