"""Detects speech with webrtcvad, and distinguishes it from coughs by its pitch."""

import math
from collections import deque

import webrtcvad

from repartee.domain.audio import INAUDIBLE_RMS, INPUT_RATE_HZ, length_bytes
from repartee.domain.speech_detection import SpeechEdge

FRAME_MS = 20
FRAME_BYTES = length_bytes(FRAME_MS, INPUT_RATE_HZ)
# Mode 3 rejects most noise; its first frames of noise can be false alarms, so one is not enough.
AGGRESSIVENESS = 3
ONSET_FRAMES = 5
END_FRAMES = 25
# Nine recordings had three voiced frames among seven within 40 ms of the fifth frame of speech.
# Synthetic taps, coughs, whispers and noises had two at most, as they have no pitch.
VOICED_FRAMES = 3
VOICING_WINDOW_FRAMES = 7
# Normalised autocorrelation at the best pitch: 0.8 and more in vowels, below 0.6 in noise.
MIN_VOICED_CORRELATION = 0.7
# A pitch of 67 to 400 Hz, in samples at a quarter of the rate.
_PITCH_LAGS = range(10, 61)
# The shortest words last 200 to 300 ms. Most coughs and all taps are shorter.
SOUND_FRAMES = 15
# Twice the amplitude of the quietest frame, as power. A microphone's hiss stays below it.
_NOISE_POWER_RATIO = 4
# The quietest frame is sought in the newest ten seconds.
_NOISE_WINDOW_FRAMES = 500


class WebRtcSpeechDetector:
    """Reports an onset after 100 ms of speech with a pitch, and an end after 500 ms without speech.

    It reports a sound when 300 ms of audio stand out from the noise without an onset.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start again in silence: the next audio does not continue the last."""
        self._detector = webrtcvad.Vad(AGGRESSIVENESS)
        self._incomplete_frame = b""
        self._is_speech = False
        self._quiet_frames = 0
        self._before = b""
        self._voicing_window: deque[tuple[bool, bool]] = deque(maxlen=VOICING_WINDOW_FRAMES)
        self._has_sound = False
        self._powers: deque[float] = deque(maxlen=_NOISE_WINDOW_FRAMES)

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        """Analyse the next chunk, 16 kHz PCM16; return its last edge, if any."""
        audio = self._incomplete_frame + pcm
        whole = len(audio) - len(audio) % FRAME_BYTES
        self._incomplete_frame = audio[whole:]
        edge = None
        for start in range(0, whole, FRAME_BYTES):
            frame = audio[start : start + FRAME_BYTES]
            is_speech = self._detector.is_speech(frame, INPUT_RATE_HZ)
            found = self._end(is_speech) if self._is_speech else self._onset(frame, is_speech)
            edge = found or edge
        if edge is None and not (self._is_speech or self._has_sound) and self._exceeds_noise():
            self._has_sound = True
            return SpeechEdge.SOUND
        return edge

    def _onset(self, frame: bytes, is_speech: bool) -> SpeechEdge | None:
        samples = memoryview(frame).cast("h")[::4].tolist()
        self._powers.append(math.sumprod(samples, samples) / len(samples))
        self._voicing_window.append((is_speech, is_speech and _is_voiced(self._before + frame)))
        self._before = frame
        speech = sum(one for one, _ in self._voicing_window)
        if (
            speech < ONSET_FRAMES
            or sum(voiced for _, voiced in self._voicing_window) < VOICED_FRAMES
        ):
            return None
        self._is_speech, self._quiet_frames = True, 0
        return SpeechEdge.ONSET

    def _end(self, is_speech: bool) -> SpeechEdge | None:
        self._quiet_frames = 0 if is_speech else self._quiet_frames + 1
        if self._quiet_frames < END_FRAMES:
            return None
        self._is_speech = self._has_sound = False
        self._voicing_window.clear()
        self._powers.clear()
        return SpeechEdge.END

    def _exceeds_noise(self) -> bool:
        if len(self._powers) < SOUND_FRAMES:
            return False
        floor = max(INAUDIBLE_RMS**2, _NOISE_POWER_RATIO * min(self._powers))
        return sum(power > floor for power in self._powers) >= SOUND_FRAMES


def _is_voiced(pcm: bytes) -> bool:
    """Return whether 40 ms of audio repeat at the pitch of a voice; this takes 0.1 ms."""
    samples = memoryview(pcm).cast("h")[::4].tolist()
    first = samples[: -_PITCH_LAGS.stop]
    power = math.sumprod(first, first)
    for lag in _PITCH_LAGS:
        later = samples[lag : lag + len(first)]
        product = math.sumprod(first, later)
        if product > 0 and product**2 > MIN_VOICED_CORRELATION**2 * power * math.sumprod(
            later, later
        ):
            return True
    return False
