"""Finds the start and the end of speech in a stream of samples, without a clock."""

from collections import deque
from dataclasses import dataclass
from math import ceil

import webrtcvad

SAMPLE_RATE_HZ = 16_000
FRAME_MS = 20
FRAME_BYTES = SAMPLE_RATE_HZ * FRAME_MS // 1000 * 2
PRE_ROLL_MS = 300


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech has started; ``offset_ms`` is its start in the stream."""

    offset_ms: int


@dataclass(frozen=True, slots=True)
class SpeechAudio:
    """Samples of the current utterance, including some from before its start was detected."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The utterance has ended; ``voiced_ms`` is the length of its frames with speech."""

    offset_ms: int
    voiced_ms: int


type SpeechEvent = SpeechStarted | SpeechAudio | SpeechEnded


@dataclass(frozen=True, slots=True)
class VadSettings:
    """The conditions of a start and an end.

    Attributes:
        start_ms: The speech that makes a start (Gemini's ``prefixPaddingMs``).
        silence_ms: The silence that makes an end (Gemini's ``silenceDurationMs``).
        aggressiveness: The mode of webrtcvad, 0 to 3; mode 3 classifies the least as speech.
    """

    start_ms: int = 100
    silence_ms: int = 500
    aggressiveness: int = 2


class Segmenter:
    """Cuts one stream of PCM16 mono 16 kHz into utterances."""

    def __init__(self, settings: VadSettings) -> None:
        self._vad = webrtcvad.Vad(settings.aggressiveness)
        self._need_start = max(1, ceil(settings.start_ms / FRAME_MS))
        # One frame in six may be unvoiced, such as consonants.
        self._start_window: deque[bool] = deque(maxlen=ceil(self._need_start * 1.2))
        self._end_frames = max(1, ceil(settings.silence_ms / FRAME_MS))
        self._pre_roll: deque[bytes] = deque(
            maxlen=PRE_ROLL_MS // FRAME_MS + self._start_window.maxlen  # type: ignore[operator]
        )
        self._partial = b""
        self._frames = 0
        self._quiet = 0
        self._voiced = 0
        self.is_in_speech = False

    @property
    def quiet_ms(self) -> int:
        """The silence at the end of the current utterance; 0 without an utterance."""
        return self._quiet * FRAME_MS if self.is_in_speech else 0

    def feed(self, pcm: bytes) -> list[SpeechEvent]:
        """Take any number of bytes; an incomplete frame waits for the next call."""
        data = self._partial + pcm
        whole = len(data) - len(data) % FRAME_BYTES
        self._partial = data[whole:]
        events: list[SpeechEvent] = []
        for start in range(0, whole, FRAME_BYTES):
            self._frame(data[start : start + FRAME_BYTES], events)
        return events

    def end_stream(self) -> list[SpeechEvent]:
        """End the current utterance, if any, without waiting for silence."""
        events: list[SpeechEvent] = []
        if self.is_in_speech:
            if self._partial:
                events.append(SpeechAudio(self._partial[: len(self._partial) // 2 * 2]))
            self._end(events)
        self._partial = b""
        self._start_window.clear()
        self._pre_roll.clear()
        return events

    def _frame(self, frame: bytes, events: list[SpeechEvent]) -> None:
        voiced = self._vad.is_speech(frame, SAMPLE_RATE_HZ)
        self._frames += 1
        if self.is_in_speech:
            events.append(SpeechAudio(frame))
            self._voiced += voiced
            self._quiet = 0 if voiced else self._quiet + 1
            if self._quiet >= self._end_frames:
                self._end(events)
            return
        self._pre_roll.append(frame)
        self._start_window.append(voiced)
        if sum(self._start_window) >= self._need_start:
            self.is_in_speech = True
            self._voiced = sum(self._start_window)
            self._quiet = 0
            started = self._frames - len(self._start_window)
            events.append(SpeechStarted(started * FRAME_MS))
            events.append(SpeechAudio(b"".join(self._pre_roll)))
            self._pre_roll.clear()
            self._start_window.clear()

    def _end(self, events: list[SpeechEvent]) -> None:
        self.is_in_speech = False
        events.append(SpeechEnded(self._frames * FRAME_MS, self._voiced * FRAME_MS))
