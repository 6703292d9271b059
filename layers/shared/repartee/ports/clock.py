from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests move it by hand."""

    def now_ms(self) -> int:
        """Return Unix time in ms, for what other processes read."""
        ...

    def monotonic_ms(self) -> int:
        """Return ms on a clock that never jumps, for deadlines inside one process."""
        ...
