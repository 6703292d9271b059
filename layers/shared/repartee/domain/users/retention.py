"""How long what was said is kept, and in which order it goes."""

from dataclasses import dataclass

from repartee.domain.cost.limits import DAY_S

HEADER_MARGIN_S = 7 * DAY_S
"""How much longer a conversation's header stays than what it leads to: a store may delete expired
turns 48 h late, a call may be a day behind the header's last change, and erasing finds either
through the header alone."""

MAX_RETENTION_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Retention:
    """What an operator decided; Unix times here are in s, as a store's expiry is.

    Attributes:
        days: How long turns, calls and days of usage are kept; 0 for ever.
    """

    days: int = 0

    def __bool__(self) -> bool:
        return self.days > 0

    def ends_at_s(self, written_at_ms: int) -> int | None:
        """Return when what is written now expires, None for never."""
        return written_at_ms // 1_000 + self.days * DAY_S if self else None

    def header_ends_at_s(self, written_at_ms: int) -> int | None:
        """Return when a header expires that is written now, None for never."""
        ends_at_s = self.ends_at_s(written_at_ms)
        return None if ends_at_s is None else ends_at_s + HEADER_MARGIN_S

    def renewed_header_ends_at_s(self, written_at_ms: int, stored_s: int | None) -> int | None:
        """Return when a header expires that is there already.

        Never sooner than it says: it may lead to turns of a time when more was kept.

        Args:
            written_at_ms: When it is written anew.
            stored_s: When it would have expired, None for never.
        """
        ends_at_s = self.header_ends_at_s(written_at_ms)
        return None if ends_at_s is None or stored_s is None else max(ends_at_s, stored_s)


KEEP_FOREVER = Retention()
