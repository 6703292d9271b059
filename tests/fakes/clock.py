from dataclasses import dataclass

# 2026-11-20 12:00:00 UTC, a Friday.
NOON_MS = 1_795_176_000_000


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still until a test moves it."""

    unix_ms: int = NOON_MS
    since_start_ms: int = 0

    def now_ms(self) -> int:
        return self.unix_ms

    def monotonic_ms(self) -> int:
        return self.since_start_ms

    def advance(self, duration_ms: int) -> None:
        """Let ``duration_ms`` pass on both clocks."""
        self.unix_ms += duration_ms
        self.since_start_ms += duration_ms
