class FakeSessionRecorder:
    """Stores recordings in memory, as lists of lines by name."""

    def __init__(self, *, wants_audio: bool = False) -> None:
        self._wants_audio = wants_audio
        self.recordings: dict[str, list[str]] = {}

    @property
    def wants_audio(self) -> bool:
        return self._wants_audio

    def append(self, recording: str, line: str) -> None:
        self.recordings.setdefault(recording, []).append(line)
