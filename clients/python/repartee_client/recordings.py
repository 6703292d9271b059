"""Recorded speech: WAV files, and the chunks in which a client sends them."""

import wave
from dataclasses import dataclass
from pathlib import Path

SAMPLE_WIDTH_BYTES = 2
INPUT_SAMPLE_RATE_HZ = 16_000
"""The rate of the client's audio (docs/protocol.md)."""
OUTPUT_SAMPLE_RATE_HZ = 24_000
"""The rate of reply audio."""


class UnusableRecordingError(Exception):
    """A file that a client cannot send without conversion.

    Attributes:
        path: The file.
        has: The format of the file.
        needs: The format that it must have.
    """

    def __init__(self, path: Path, *, has: str, needs: str) -> None:
        super().__init__(f"{path}: has {has}; needs {needs}")
        self.path = path
        self.has = has
        self.needs = needs


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
    """Read a mono 16-bit PCM WAV file without any conversion.

    Args:
        path: The file.
        sample_rate_hz: The rate it must have; 24_000 for a saved reply.

    Raises:
        UnusableRecordingError: The file is not a WAV file, has another format or rate, is
            truncated, or has no samples.
        OSError: The file cannot be opened.
    """
    needs = f"{sample_rate_hz} Hz, 1 channel, 16-bit PCM WAV"
    try:
        with path.open("rb") as file, wave.open(file) as reader:
            form = reader.getparams()
            pcm = reader.readframes(form.nframes)
    except (wave.Error, EOFError) as error:
        has = f"no PCM WAV data ({error or 'the file ends too early'})"
        raise UnusableRecordingError(path, has=has, needs=needs) from error

    if (form.framerate, form.nchannels, form.sampwidth) != (sample_rate_hz, 1, SAMPLE_WIDTH_BYTES):
        channels = "1 channel" if form.nchannels == 1 else f"{form.nchannels} channels"
        has = f"{form.framerate} Hz, {channels}, {form.sampwidth * 8}-bit PCM WAV"
        raise UnusableRecordingError(path, has=has, needs=needs)
    promised_bytes = form.nframes * SAMPLE_WIDTH_BYTES
    if not pcm or len(pcm) != promised_bytes:
        has = f"{len(pcm)} bytes of sound (its header says {promised_bytes})"
        raise UnusableRecordingError(path, has=has, needs="at least one sample, and all of them")
    return Recording(pcm, sample_rate_hz)


def write_wav(path: Path, recording: Recording) -> None:
    """Write a mono 16-bit PCM WAV file, and replace an existing file."""
    with path.open("wb") as file, wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_WIDTH_BYTES)
        writer.setframerate(recording.sample_rate_hz)
        writer.writeframes(recording.pcm)
