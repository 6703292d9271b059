"""Carries the user's speech to the live model and makes sure that the model finds its end."""

from collections import deque
from dataclasses import dataclass, field

from repartee.domain.live.model import TurnDetection
from repartee.domain.live.profiles import LiveModelProfile
from repartee.domain.session.model.channel import ModelChannel
from repartee.domain.session.timing import STALL_MS
from repartee.domain.session.tools.calls import ToolCalls
from repartee.domain.session.turns.ledger import TurnLedger
from repartee.domain.session.turns.turn import TurnInProgress

# A detector that waits for the end of speech is late by at most this much.
SILENCE_CHUNK_MS = 100
# Then the watchdog takes the utterance for unheard.
MAX_SILENCE_MS = STALL_MS
# A detector hears speech late; what came shortly before belongs to it.
ONSET_PAD_MESSAGES = 2

# Whether the model has replied, called a tool, and understood the user.
type _Signs = tuple[bool, bool, bool]
_NO_SIGNS: _Signs = (False, False, False)


@dataclass(slots=True)
class SpeechChannel:
    """Sends the user's speech to the current live session.

    With ``TurnDetection.SERVER`` the model's detector needs audio after the speech, so silence
    follows each utterance until the model reacts. With ``TurnDetection.CLIENT`` the worker marks
    where each utterance begins and ends, and sends nothing in between.
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
        """Begin with another live session, which has heard nothing yet."""
        self._detection = detection
        self._is_active = self._waits_for_proof = False
        self._pad.clear()
        self._silent_from_ms = None

    def hold_until_proven(self) -> None:
        """Keep the marked speech that follows until ``start``.

        A mark to the model ends its reply at once and always brings another one, and its own
        detector takes a tap for speech now and then.
        """
        if not self._is_active:
            self._waits_for_proof = True
            self._pad.clear()

    def start(self) -> None:
        """Note that the user begins to speak, and send what was kept."""
        self._waits_for_proof = False
        if self._detection is TurnDetection.CLIENT and not self._is_active:
            self._is_active = True
            self._channel.start_activity()
        for pcm in self._pad:
            self._give(pcm)
        self._pad.clear()

    def send(self, pcm: bytes) -> bool:
        """Send what the microphone hears: PCM16 little-endian mono, 16 kHz.

        Returns:
            Whether the model has got it, and it is not kept until ``start``.
        """
        is_unmarked = self._detection is TurnDetection.CLIENT and not self._is_active
        if self._waits_for_proof or is_unmarked:
            self._pad.append(pcm)
            if not self._waits_for_proof and len(self._pad) > ONSET_PAD_MESSAGES:
                self._pad.popleft()
            return False
        self._give(pcm)
        return True

    def _give(self, pcm: bytes) -> None:
        self._silent_from_ms = None
        self._channel.send_audio(pcm)
        if (turn := self._turns.newest) is not None:
            turn.mark_unsent(is_unsent=False)

    def end(self, now_ms: int, *, audio_stops: bool) -> None:
        """Note that the user has stopped speaking.

        Args:
            now_ms: The present.
            audio_stops: Audio has been flowing and stops with the speech.
        """
        self._pad.clear()
        is_sent, self._waits_for_proof = not self._waits_for_proof, False
        if self._detection is TurnDetection.CLIENT:
            self._end_activity()
        elif audio_stops and is_sent:
            self._end_audio(now_ms)

    def send_text(self, text: str) -> None:
        """Send what the user types, which ends an utterance that is marked to the model."""
        self._end_activity()
        self._channel.send_text(text)

    def _end_activity(self) -> None:
        if self._is_active:
            self._channel.end_activity()
            self._is_active = False

    def send_due_silence(self, now_ms: int) -> None:
        """Send the silence that is due, until the model reacts or has had all it gets."""
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
        """Return whether the model shows a sign that it did not show when the speech ended."""
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
