"""The two audio formats of the native protocol, and arithmetic on them.

Source: Gemini Live API, audio formats: PCM16 little-endian mono, 16 kHz in, 24 kHz out.
"""

BYTES_PER_SAMPLE = 2
INPUT_RATE_HZ = 16_000
OUTPUT_RATE_HZ = 24_000


def duration_ms(length_bytes: int, rate_hz: int) -> float:
    """Return how long ``length_bytes`` of mono PCM16 at ``rate_hz`` play, in ms."""
    return length_bytes * 1000 / (rate_hz * BYTES_PER_SAMPLE)


def length_bytes(duration: float, rate_hz: int) -> int:
    """Return the even number of bytes that ``duration`` ms of mono PCM16 at ``rate_hz`` take."""
    return int(duration * rate_hz / 1000) * BYTES_PER_SAMPLE
