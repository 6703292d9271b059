"""Finds speech in audio with webrtcvad, for clients that do not mark it themselves."""

import webrtcvad

from repartee.domain.audio import INPUT_RATE_HZ, length_bytes
from repartee.domain.speech import SpeechEdge

FRAME_MS = 20
# Mode 3 rejects most noise; its first frames of noise can be false alarms, so one is not enough.
AGGRESSIVENESS = 3
ONSET_FRAMES = 5
END_FRAMES = 25


class WebRtcSpeechDetector:
    """Tells onsets after 100 ms of speech and ends after 500 ms without."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin in silence: what comes next does not follow what came before."""
        self._detector = webrtcvad.Vad(AGGRESSIVENESS)
        self._rest = b""
        self._is_speech = False
        self._run = 0

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        """Take the next chunk, 16 kHz PCM16; return the last edge in it, if any."""
        frame_bytes = length_bytes(FRAME_MS, INPUT_RATE_HZ)
        audio = self._rest + pcm
        whole = len(audio) - len(audio) % frame_bytes
        self._rest = audio[whole:]
        edge = None
        for start in range(0, whole, frame_bytes):
            differs = (
                self._detector.is_speech(audio[start : start + frame_bytes], INPUT_RATE_HZ)
                != self._is_speech
            )
            self._run = self._run + 1 if differs else 0
            if self._run >= (END_FRAMES if self._is_speech else ONSET_FRAMES):
                self._is_speech = not self._is_speech
                self._run = 0
                edge = SpeechEdge.ONSET if self._is_speech else SpeechEdge.END
        return edge
