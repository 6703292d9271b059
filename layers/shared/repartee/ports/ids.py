from typing import Protocol


class IdSource(Protocol):
    """Makes ids that nobody else makes or guesses."""

    def new_id(self, now_ms: int) -> str:
        """Return 26 characters that sort by ``now_ms``, with 80 random bits (a ULID)."""
        ...
