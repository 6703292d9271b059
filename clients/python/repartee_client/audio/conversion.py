"""Converts PCM of any width, number of channels and rate to PCM16 mono of another rate.

It uses the standard library alone, which has no ``audioop`` since Python 3.13.
"""

import math
import sys
from array import array
from collections.abc import Sequence
from operator import mul

_ZERO_CROSSINGS = 8
"""Half the length of the low-pass filter, in periods of the lower rate."""
_PEAK = 32_767


def convert(
    pcm: bytes, *, width_bytes: int, channels: int, from_rate_hz: int, to_rate_hz: int
) -> bytes:
    """Return ``pcm`` as little-endian PCM16 mono at ``to_rate_hz``.

    Args:
        pcm: Whole frames as in a WAV file: unsigned bytes, or little-endian signed samples.
        width_bytes: Bytes per sample, 1 to 4.
        channels: Samples per frame; their mean is used.
        from_rate_hz: The rate of ``pcm``.
        to_rate_hz: The wanted rate.
    """
    samples: Sequence[float] = _samples(pcm, width_bytes)
    if channels > 1:
        frames = zip(*(samples[channel::channels] for channel in range(channels)), strict=True)
        samples = [sum(frame) / channels for frame in frames]
    if from_rate_hz != to_rate_hz:
        samples = _resample(samples, from_rate_hz, to_rate_hz)
    whole = array("h", [max(-_PEAK - 1, min(_PEAK, round(sample))) for sample in samples])
    return _little_endian(whole).tobytes()


def _samples(pcm: bytes, width_bytes: int) -> "array[int]":
    if width_bytes == 1:
        return array("h", [(byte - 128) << 8 for byte in pcm])
    # The two high bytes of each sample: the rest is below the resolution of 16 bits.
    high = bytearray(len(pcm) // width_bytes * 2)
    high[0::2] = pcm[width_bytes - 2 :: width_bytes]
    high[1::2] = pcm[width_bytes - 1 :: width_bytes]
    return _little_endian(array("h", bytes(high)))


def _little_endian(samples: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _resample(samples: Sequence[float], from_rate_hz: int, to_rate_hz: int) -> list[float]:
    """Resample by a polyphase low-pass filter: a sinc with a Hann window."""
    divisor = math.gcd(from_rate_hz, to_rate_hz)
    up, down = to_rate_hz // divisor, from_rate_hz // divisor
    # Frequencies above half of the lower rate must not remain.
    cutoff = min(1.0, up / down)
    reach = math.ceil(_ZERO_CROSSINGS / cutoff)
    kernels = [_kernel(phase / up, cutoff, reach) for phase in range(up)]
    padded = [0.0] * (reach - 1) + list(samples) + [0.0] * reach
    resampled = []
    for number in range(len(samples) * up // down):
        first, phase = divmod(number * down, up)
        resampled.append(sum(map(mul, kernels[phase], padded[first : first + 2 * reach])))
    return resampled


def _kernel(offset: float, cutoff: float, reach: int) -> list[float]:
    """Return the filter's weights for a position ``offset`` samples after an input sample."""
    distances = [place - offset for place in range(1 - reach, reach + 1)]
    weights = [
        math.cos(math.pi * min(0.5, abs(distance) / reach / 2)) ** 2 * _sinc(distance * cutoff)
        for distance in distances
    ]
    total = sum(weights)
    return [weight / total for weight in weights]


def _sinc(x: float) -> float:
    return math.sin(math.pi * x) / (math.pi * x) if x else 1.0
