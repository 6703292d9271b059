"""A silent speaker that plays by a clock."""

import math
from collections.abc import Callable

_BYTES_PER_MS = 24_000 * 2 / 1_000


class ClockSpeaker:
    """The speaker half of a port without devices.

    Args:
        now_ms: The clock.
        heard: Receives the audio once it has been played.
        speed: How many times faster than real time audio is played; ``math.inf`` plays at once.
    """

    def __init__(
        self,
        now_ms: Callable[[], float],
        *,
        heard: Callable[[bytes], object] | None = None,
        speed: float = 1.0,
    ) -> None:
        self._now_ms = now_ms
        self._heard = heard
        self._speed = speed
        self._queue = bytearray()
        self._ends_at_ms = 0.0

    def play(self, pcm: bytes) -> None:
        """Append ``pcm`` to the queue."""
        self.advance()
        length_ms = len(pcm) / _BYTES_PER_MS / self._speed
        self._ends_at_ms = max(self._ends_at_ms, self._now_ms()) + length_ms
        self._queue += pcm
        self.advance()

    def stop(self) -> None:
        """Drop the audio that has not been played."""
        self.advance()
        self._queue.clear()
        self._ends_at_ms = self._now_ms()

    def unplayed_ms(self) -> float:
        """Return the length of the audio that has not been played."""
        self.advance()
        return len(self._queue) / _BYTES_PER_MS

    def advance(self) -> None:
        """Play the audio that is due by now."""
        left_ms = self._ends_at_ms - self._now_ms()
        left_samples = math.ceil(left_ms * self._speed * _BYTES_PER_MS / 2) if left_ms > 0 else 0
        # Times are floats, so the rest may exceed the queue by a rounding error.
        played_bytes = max(0, len(self._queue) - 2 * left_samples)
        if played_bytes:
            pcm = bytes(self._queue[:played_bytes])
            del self._queue[:played_bytes]
            if self._heard is not None:
                self._heard(pcm)
