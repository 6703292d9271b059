import time


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Return Unix time in ms."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Return ms on the monotonic clock."""
        return time.monotonic_ns() // 1_000_000
