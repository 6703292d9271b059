"""What the checks cost so far, and the limit at which they stop."""

from collections.abc import Iterable
from decimal import Decimal

from repartee.domain.cost.prices import Prices
from repartee.domain.live.model import LiveEvent, LiveUsage

LIMIT_USD = Decimal("0.10")


class Spending:
    """Adds up money by the product's price list.

    Args:
        limit_usd: No check begins that could go beyond it.

    Attributes:
        usd: The sum so far.
    """

    def __init__(self, limit_usd: Decimal = LIMIT_USD) -> None:
        self.limit_usd = limit_usd
        self.usd = Decimal(0)
        self._most_expensive_check_usd = Decimal(0)
        self._before_usd = Decimal(0)

    def add(self, usd: Decimal) -> None:
        """Count a cost."""
        self.usd += usd

    def add_events(self, events: Iterable[LiveEvent], prices: Prices) -> None:
        """Count what a live model reported as usage."""
        for event in events:
            if isinstance(event, LiveUsage):
                self.add(prices.cost_usd(event.usage))

    def end_check(self) -> Decimal:
        """Return what the check that has just ended cost."""
        cost_usd = self.usd - self._before_usd
        self._before_usd = self.usd
        self._most_expensive_check_usd = max(self._most_expensive_check_usd, cost_usd)
        return cost_usd

    def may_run_another_check(self) -> bool:
        """Tell whether a check as dear as the dearest so far stays within the limit."""
        return self.usd + self._most_expensive_check_usd <= self.limit_usd
