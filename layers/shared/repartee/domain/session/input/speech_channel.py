"""Sends the user's speech to the live model, and makes sure that the model detects its end."""

from collections import deque
from dataclasses import dataclass, field

from repartee.domain.live.model import TurnDetection
from repartee.domain.live.model_profiles import LiveModelProfile
from repartee.domain.session.model.channel import ModelChannel
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress

# Silence is sent in chunks of this length, so the end of speech is detected at most this late.
SILENCE_CHUNK_MS = 100
# After this time the watchdog treats the utterance as unheard.
MAX_SILENCE_MS = STALL_MS
# A detector reports speech late, so the messages shortly before belong to it.
ONSET_PAD_MESSAGES = 2

# Whether the model has replied, made a tool call, and transcribed the user.
type _Signs = tuple[bool, bool, bool]
_NO_SIGNS: _Signs = (False, False, False)


@dataclass(slots=True)
class SpeechChannel:
    """Sends the user's speech to the current Live session.

    With ``TurnDetection.SERVER`` the model's detector needs audio after the speech, so silence
    follows each utterance until the model reacts. With ``TurnDetection.CLIENT`` the worker marks
    where each utterance begins and ends, and sends no audio between utterances.
    """

    _profile: LiveModelProfile
    _turns: TurnLedger
    _tool_calls: ToolCalls
    _channel: ModelChannel
    _detection: TurnDetection = TurnDetection.SERVER
    _is_active: bool = False
    _waits_for_proof: bool = False
    _pad: deque[bytes] = field(default_factory=deque)
    _silent_from_ms: int | None = None
    _silence_sent_ms: int = 0
    _turn_number: int = 0
    _signs_at_end: _Signs = _NO_SIGNS

    def begin(self, detection: TurnDetection) -> None:
        """Note that another Live session begins, which has received no audio yet."""
        self._detection = detection
        self._is_active = self._waits_for_proof = False
        self._pad.clear()
        self._silent_from_ms = None

    def hold_until_proven(self) -> None:
        """Hold the marked audio that follows until ``start``.

        A mark that is sent to the model ends its reply at once and always causes another one, and
        the model's detector sometimes mistakes a tap for speech.
        """
        if not self._is_active:
            self._waits_for_proof = True
            self._pad.clear()

    def start(self) -> None:
        """Note that the user begins to speak, and send the audio that was held."""
        self._waits_for_proof = False
        if self._detection is TurnDetection.CLIENT and not self._is_active:
            self._is_active = True
            self._channel.start_activity()
        for pcm in self._pad:
            self._send_now(pcm)
        self._pad.clear()

    def send(self, pcm: bytes) -> bool:
        """Send audio of the user, or hold it until ``start``: PCM16 little-endian mono, 16 kHz.

        Returns:
            Whether it was sent.
        """
        is_unmarked = self._detection is TurnDetection.CLIENT and not self._is_active
        if self._waits_for_proof or is_unmarked:
            self._pad.append(pcm)
            if not self._waits_for_proof and len(self._pad) > ONSET_PAD_MESSAGES:
                self._pad.popleft()
            return False
        self._send_now(pcm)
        return True

    def _send_now(self, pcm: bytes) -> None:
        self._silent_from_ms = None
        self._channel.send_audio(pcm)
        if (turn := self._turns.newest) is not None:
            turn.mark_unsent(is_unsent=False)

    def end(self, now_ms: int, *, audio_stops: bool) -> None:
        """Note that the user has stopped speaking.

        Args:
            now_ms: The present.
            audio_stops: Whether the client's audio stops with the speech.
        """
        self._pad.clear()
        is_sent, self._waits_for_proof = not self._waits_for_proof, False
        if self._detection is TurnDetection.CLIENT:
            self._end_activity()
        elif audio_stops and is_sent:
            self._end_audio(now_ms)

    def send_text(self, text: str) -> None:
        """Send a text of the user, after ending an utterance that is marked to the model."""
        self._end_activity()
        self._channel.send_text(text)

    def _end_activity(self) -> None:
        if self._is_active:
            self._channel.end_activity()
            self._is_active = False

    def send_due_silence(self, now_ms: int) -> None:
        """Send the silence that is due, until the model reacts or ``MAX_SILENCE_MS`` is over."""
        if self._silent_from_ms is None:
            return
        silent_ms = now_ms - self._silent_from_ms
        if silent_ms >= MAX_SILENCE_MS or self._has_reacted():
            self._silent_from_ms = None
            return
        chunks = (silent_ms - self._silence_sent_ms) // SILENCE_CHUNK_MS
        if chunks > 0:
            self._channel.send_silence(chunks * SILENCE_CHUNK_MS)
            self._silence_sent_ms += chunks * SILENCE_CHUNK_MS

    def next_deadline_ms(self) -> int | None:
        """Return when the next silence is due."""
        if self._silent_from_ms is None:
            return None
        return self._silent_from_ms + self._silence_sent_ms + SILENCE_CHUNK_MS

    def _end_audio(self, now_ms: int) -> None:
        profile = self._profile
        if profile.silence_burst_ms:
            self._channel.send_silence(profile.silence_burst_ms)
        if profile.ends_speech_by_stream_end:
            self._channel.end_stream()
        if profile.continues_silence:
            turn = self._turns.newest
            self._silent_from_ms, self._silence_sent_ms = now_ms, 0
            self._turn_number = turn.number if turn else 0
            self._signs_at_end = self._signs(turn)

    def _has_reacted(self) -> bool:
        """Return whether the model has shown a new sign since the speech ended."""
        turn = self._turns.newest
        if turn is None or self._tool_calls.is_blocking:
            return True
        before = self._signs_at_end if turn.number == self._turn_number else _NO_SIGNS
        return any(now and not then for now, then in zip(self._signs(turn), before, strict=True))

    def _signs(self, turn: TurnInProgress | None) -> _Signs:
        if turn is None:
            return _NO_SIGNS
        is_understood = (
            self._profile.transcribes_after_speech and turn.untranscribed_from_seq is None
        )
        return turn.has_reply, self._tool_calls.has_called_tool(turn.number), is_understood
