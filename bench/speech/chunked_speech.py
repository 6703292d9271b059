"""An utterance cut into the chunks that are sent, for every way of sending them."""

from dataclasses import dataclass

from repartee_client.conversation import HANGOVER_MS
from repartee_client.recordings import Recording

_BYTES_PER_MS = 32


@dataclass(frozen=True, slots=True)
class ChunkedSpeech:
    """One utterance as ``repartee_client`` says it: the recording, then its detector's silence.

    Attributes:
        recording: The speech alone.
        chunks: All that is sent, PCM16 mono 16 kHz.
        spoken_chunks: How many of them are the recording; the rest is silence.
    """

    recording: Recording
    chunks: tuple[bytes, ...]
    spoken_chunks: int

    @classmethod
    def of(cls, recording: Recording, chunk_ms: int) -> "ChunkedSpeech":
        """Cut ``recording`` and the silence after it into chunks of ``chunk_ms``."""
        spoken = recording.chunks(chunk_ms)
        silence = Recording(bytes(HANGOVER_MS * _BYTES_PER_MS)).chunks(chunk_ms)
        return cls(recording, (*spoken, *silence), len(spoken))

    def duration_ms(self, chunk: bytes) -> float:
        """Return how long a chunk sounds."""
        return len(chunk) / _BYTES_PER_MS
