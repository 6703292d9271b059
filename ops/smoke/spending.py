"""The costs of the checks, and their limit."""

from collections.abc import Iterable
from decimal import Decimal

from repartee.domain.cost.prices import Prices
from repartee.domain.live.model import LiveEvent, LiveUsage

LIMIT_USD = Decimal("0.10")


class Spending:
    """Adds up the costs by the product's price list.

    Args:
        limit_usd: The limit; a check that could exceed it does not start.

    Attributes:
        usd: The sum so far.
    """

    def __init__(self, limit_usd: Decimal = LIMIT_USD) -> None:
        self.limit_usd = limit_usd
        self.usd = Decimal(0)
        self._most_expensive_check_usd = Decimal(0)
        self._before_usd = Decimal(0)

    def add(self, usd: Decimal) -> None:
        """Add a cost."""
        self.usd += usd

    def add_events(self, events: Iterable[LiveEvent], prices: Prices) -> None:
        """Add the cost of the usage in a live model's events."""
        for event in events:
            if isinstance(event, LiveUsage):
                self.add(prices.cost_usd(event.usage))

    def end_check(self) -> Decimal:
        """Return the cost of the check that has just ended."""
        cost_usd = self.usd - self._before_usd
        self._before_usd = self.usd
        self._most_expensive_check_usd = max(self._most_expensive_check_usd, cost_usd)
        return cost_usd

    def may_run_another_check(self) -> bool:
        """Return whether a check as expensive as the most expensive one stays within the limit."""
        return self.usd + self._most_expensive_check_usd <= self.limit_usd
