"""An utterance in chunks, equal for direct sessions and sessions through Repartee."""

from dataclasses import dataclass

from local.calls.utterances import HANGOVER_MS
from repartee_client.recordings import Recording

_BYTES_PER_MS = 32


@dataclass(frozen=True, slots=True)
class ChunkedSpeech:
    """One utterance as ``repartee_client`` sends it: the recording, then silence.

    Attributes:
        recording: The speech alone.
        chunks: All chunks to send, PCM16 mono 16 kHz.
        spoken_chunks: The number of chunks of the recording; the rest is silence.
    """

    recording: Recording
    chunks: tuple[bytes, ...]
    spoken_chunks: int

    @classmethod
    def of(cls, recording: Recording, chunk_ms: int) -> "ChunkedSpeech":
        """Split ``recording`` and the silence after it into chunks of ``chunk_ms``."""
        spoken = recording.chunks(chunk_ms)
        silence = Recording(bytes(HANGOVER_MS * _BYTES_PER_MS)).chunks(chunk_ms)
        return cls(recording, (*spoken, *silence), len(spoken))

    def duration_ms(self, chunk: bytes) -> float:
        """Return the playing time of a chunk."""
        return len(chunk) / _BYTES_PER_MS
