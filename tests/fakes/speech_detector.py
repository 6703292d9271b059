from repartee.domain.speech import SpeechEdge

# What this detector takes for speech, and for silence: 200 ms of each.
SPEECH = b"\x01\x00" * 3_200
SILENCE = bytes(6_400)


class FakeSpeechDetector:
    """Hears speech in whatever is not all zeros."""

    def __init__(self) -> None:
        self._is_speech = False

    def forget(self) -> None:
        self._is_speech = False

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        is_speech = any(pcm)
        if is_speech == self._is_speech:
            return None
        self._is_speech = is_speech
        return SpeechEdge.ONSET if is_speech else SpeechEdge.END
