from repartee.domain.speech_detection import SpeechEdge

# 200 ms of speech, of silence, and of a sound that may be a whisper, as this detector hears them.
SPEECH = b"\x01\x00" * 3_200
SILENCE = bytes(6_400)
WHISPER = b"\x02\x00" * 3_200


class FakeSpeechDetector:
    """Detects silence in zeros, a sound in a whisper, and speech in anything else."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._is_speech = self._has_sound = False

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        if pcm == WHISPER and not self._is_speech:
            has_sound, self._has_sound = self._has_sound, True
            return None if has_sound else SpeechEdge.SOUND
        is_speech = any(pcm)
        if is_speech == self._is_speech:
            return None
        self._is_speech = is_speech
        return SpeechEdge.ONSET if is_speech else SpeechEdge.END
