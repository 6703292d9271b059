"""Recorded speech: WAV files, and the chunks in which a client sends them."""

import wave
from dataclasses import dataclass
from pathlib import Path

from repartee_client.audio.conversion import convert

SAMPLE_WIDTH_BYTES = 2
INPUT_SAMPLE_RATE_HZ = 16_000
"""The rate of the client's audio (docs/protocol.md)."""
OUTPUT_SAMPLE_RATE_HZ = 24_000
"""The rate of reply audio."""
_USABLE_RATES_HZ = range(1_000, 384_001)


class UnusableRecordingError(Exception):
    """A file that is not a usable WAV file; the message says why.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono speech.

    Attributes:
        pcm: Little-endian signed 16-bit samples.
        sample_rate_hz: Samples per second.
    """

    pcm: bytes
    sample_rate_hz: int = INPUT_SAMPLE_RATE_HZ

    def __post_init__(self) -> None:
        if len(self.pcm) % SAMPLE_WIDTH_BYTES:
            raise ValueError(f"{len(self.pcm)} bytes are not whole 16-bit samples")
        if self.sample_rate_hz < 1:
            raise ValueError(f"sample_rate_hz must be positive, not {self.sample_rate_hz}")

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) / SAMPLE_WIDTH_BYTES / self.sample_rate_hz * 1_000

    def chunks(self, chunk_ms: int) -> list[bytes]:
        """Split the audio into chunks of ``chunk_ms``; only the last chunk may be shorter.

        Raises:
            ValueError: ``chunk_ms`` is not a positive, whole number of samples.
        """
        samples, remainder = divmod(self.sample_rate_hz * chunk_ms, 1_000)
        if samples < 1 or remainder:
            raise ValueError(f"{chunk_ms} ms is not a whole chunk at {self.sample_rate_hz} Hz")
        size_bytes = samples * SAMPLE_WIDTH_BYTES
        return [self.pcm[i : i + size_bytes] for i in range(0, len(self.pcm), size_bytes)]


def read_wav(path: Path, *, sample_rate_hz: int = INPUT_SAMPLE_RATE_HZ) -> Recording:
    """Read a PCM WAV file, and convert it if its format differs.

    Args:
        path: The file, with any rate, width and number of channels.
        sample_rate_hz: The wanted rate; 24_000 for a saved reply.

    Raises:
        UnusableRecordingError: The file is not a PCM WAV file, is truncated, or has no samples.
        OSError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file, wave.open(file) as reader:
            form = reader.getparams()
            pcm = reader.readframes(form.nframes)
    except (wave.Error, EOFError, RuntimeError) as error:
        detail = str(error) or "the file ends too early"
        raise UnusableRecordingError(path, f"is not a PCM WAV file ({detail})") from error
    if form.framerate not in _USABLE_RATES_HZ:
        raise UnusableRecordingError(path, f"has {form.framerate:,} samples a second")
    promised_bytes = form.nframes * form.nchannels * form.sampwidth
    if not pcm or len(pcm) != promised_bytes:
        problem = f"has {len(pcm)} bytes of sound, and its header says {promised_bytes}"
        raise UnusableRecordingError(path, problem)
    if (form.framerate, form.nchannels, form.sampwidth) != (sample_rate_hz, 1, SAMPLE_WIDTH_BYTES):
        pcm = convert(
            pcm,
            width_bytes=form.sampwidth,
            channels=form.nchannels,
            from_rate_hz=form.framerate,
            to_rate_hz=sample_rate_hz,
        )
    return Recording(pcm, sample_rate_hz)


def write_wav(path: Path, recording: Recording) -> None:
    """Write a mono 16-bit PCM WAV file, and replace an existing file."""
    with path.open("wb") as file, wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_WIDTH_BYTES)
        writer.setframerate(recording.sample_rate_hz)
        writer.writeframes(recording.pcm)
