"""The two audio formats of the native protocol, and arithmetic on them.

Source: Gemini Live API, audio formats: PCM16 little-endian mono, 16 kHz in, 24 kHz out.
"""

import math

BYTES_PER_SAMPLE = 2
INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000
# -60 dBFS of 16 bit samples.
INAUDIBLE_RMS = 32.8


def duration_ms(length_bytes: int, rate_hz: int) -> float:
    """Return the playing time of ``length_bytes`` of mono PCM16 at ``rate_hz``, in ms."""
    return length_bytes * 1000 / (rate_hz * BYTES_PER_SAMPLE)


def length_bytes(duration: float, rate_hz: int) -> int:
    """Return the size of ``duration`` ms of mono PCM16 at ``rate_hz``, an even number of bytes."""
    return int(duration * rate_hz / 1000) * BYTES_PER_SAMPLE


def is_audible(pcm: bytes) -> bool:
    """Return whether PCM16 in this machine's byte order is louder than -60 dBFS (RMS).

    A model may send a whole reply below that level: the mean amplitude was 18 in a public report,
    and more than 2,000 in good calls (google-gemini/gemini-live-api-examples#40). Only every
    fourth sample is read, which takes 0.2 ms per second of audio.
    """
    samples = memoryview(pcm)[: len(pcm) // 2 * 2].cast("h")[::4].tolist()
    return math.sumprod(samples, samples) > INAUDIBLE_RMS**2 * len(samples)
