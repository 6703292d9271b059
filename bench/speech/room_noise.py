"""The noise of a room under a recording: synthetic silence is digital, a microphone's is not."""

import random
from array import array

from repartee_client.recordings import Recording

# 50 dB below full scale, as white noise: a room with a fan, without the noise suppression that
# browsers and telephones put in. White noise packs worse than that of most rooms.
NOISE_RMS = 104
_LARGEST = 32_767


def with_room_noise(recording: Recording, seed: int) -> Recording:
    """Return the recording with noise under all of it, the same for the same seed."""
    noise = random.Random(seed)  # noqa: S311 - nothing secret
    samples = array("h", recording.pcm)
    heard = (sample + round(noise.gauss(0, NOISE_RMS)) for sample in samples)
    loudest = array("h", (max(-_LARGEST, min(_LARGEST, sample)) for sample in heard))
    return Recording(loudest.tobytes(), recording.sample_rate_hz)
