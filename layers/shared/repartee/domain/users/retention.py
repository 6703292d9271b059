"""How long conversations and usage are stored, and in which order they expire."""

from dataclasses import dataclass

from repartee.domain.cost.limits import DAY_S

HEADER_MARGIN_S = 7 * DAY_S
"""How much longer a conversation's header is stored than its turns and calls, because an erasure
finds them only through the header. A store may delete expired turns 48 h late, and a call may be
written a day after the header's last change."""

MAX_RETENTION_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Retention:
    """The operator's retention period. Expiry times are Unix times in s, as in DynamoDB.

    Attributes:
        days: How long turns, calls and days of usage are stored; 0 for ever.
    """

    days: int = 0

    def __bool__(self) -> bool:
        return self.days > 0

    def ends_at_s(self, written_at_ms: int) -> int | None:
        """Return when an item expires that is written at ``written_at_ms``, None for never."""
        return written_at_ms // 1_000 + self.days * DAY_S if self else None

    def header_ends_at_s(self, written_at_ms: int) -> int | None:
        """Return when a header expires that is written at ``written_at_ms``, None for never."""
        ends_at_s = self.ends_at_s(written_at_ms)
        return None if ends_at_s is None else ends_at_s + HEADER_MARGIN_S

    def renewed_header_ends_at_s(self, written_at_ms: int, stored_s: int | None) -> int | None:
        """Return when an existing header expires after another write, None for never.

        The expiry never becomes earlier, because the header may lead to turns that were stored
        under a longer retention period.

        Args:
            written_at_ms: Time of the write.
            stored_s: The header's present expiry, None for never.
        """
        ends_at_s = self.header_ends_at_s(written_at_ms)
        return None if ends_at_s is None or stored_s is None else max(ends_at_s, stored_s)


KEEP_FOREVER = Retention()
