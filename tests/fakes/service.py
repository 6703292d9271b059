from datetime import date
from decimal import Decimal

from repartee.domain.cost.service_cap import ServiceSpending
from repartee.domain.errors import StoreUnavailable


class FakeCallSwitch:
    """A switch that tests turn."""

    def __init__(self) -> None:
        self.stopped = False

    def is_stopped(self) -> bool:
        return self.stopped


class FakeServiceSpendings:
    """Totals in memory.

    Attributes:
        failing: The table cannot be reached.
    """

    def __init__(self) -> None:
        self.totals: dict[date, Decimal] = {}
        self.failing = False

    def _check(self) -> None:
        if self.failing:
            raise StoreUnavailable("the test makes the store fail")

    def add(self, spent: ServiceSpending, *, source: str) -> None:
        self._check()
        self.totals[spent.day] = self.totals.get(spent.day, Decimal(0)) + spent.cost_usd

    def of_day(self, day: date) -> ServiceSpending:
        self._check()
        return ServiceSpending(day, self.totals.get(day, Decimal(0)))
