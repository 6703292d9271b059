"""Adds the noise of a room to a recording, because a microphone never records digital silence."""

import random
from array import array

from repartee_client.recordings import Recording

# White noise at 50 dB below full scale: a room with a fan, without the noise suppression of
# browsers and telephones. White noise compresses worse than the noise of most rooms.
NOISE_RMS = 104
_LARGEST = 32_767


def with_room_noise(recording: Recording, seed: int) -> Recording:
    """Return the recording with added noise, equal for equal seeds."""
    noise = random.Random(seed)  # noqa: S311 - nothing secret
    samples = array("h", recording.pcm)
    heard = (sample + round(noise.gauss(0, NOISE_RMS)) for sample in samples)
    loudest = array("h", (max(-_LARGEST, min(_LARGEST, sample)) for sample in heard))
    return Recording(loudest.tobytes(), recording.sample_rate_hz)
