"""Counts what the models of all users cost in a UTC day, for the cap of the deployment."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from repartee.domain.cost.limits import DayUsage, LimitHit, utc_day
from repartee.domain.cost.service_cap import ServiceSpending, service_cap_hit, spent_on
from repartee.domain.errors import StoreUnavailable, UserErased
from repartee.domain.session.state import Spending
from repartee.ports.runtime import Clock
from repartee.ports.service import ServiceSpendings
from repartee.ports.users import UsageStore


@dataclass(slots=True)
class ServiceBudget:
    """Counts costs and reads their total, outside the transactions of turns.

    No method raises: without the table, calls go on. A cost that could not be written is added to
    the next one of the same process.

    Attributes:
        cap_usd: What all users together may cost in a UTC day; 0 for no cap. Then nothing is
            counted.
    """

    store: ServiceSpendings
    clock: Clock
    cap_usd: Decimal
    _unwritten: ServiceSpending | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, cost_usd: Decimal, *, session_id: str) -> None:
        """Count a cost of today."""
        if not (self.cap_usd and cost_usd):
            return
        with self._lock:
            today = utc_day(self.clock.now_ms())
            self._unwritten = spent_on(today, self._unwritten).plus(cost_usd)
            try:
                self.store.add(self._unwritten, source=session_id)
            except StoreUnavailable:
                return
            self._unwritten = None

    def today(self) -> ServiceSpending | None:
        """Return the spending of today; None without a cap, or if the table does not answer."""
        if not self.cap_usd:
            return None
        try:
            return self.store.of_day(utc_day(self.clock.now_ms()))
        except StoreUnavailable:
            return None

    def hit(self) -> LimitHit | None:
        """Return the cap as a limit if it is used up, None otherwise."""
        return service_cap_hit(self.cap_usd, self.today(), self.clock.now_ms())


@dataclass(frozen=True, slots=True)
class BudgetedUsageStore:
    """A store that counts each spending in the budget of the deployment too."""

    usage: UsageStore
    budget: ServiceBudget

    def of_day(self, user_id: str, day: date) -> DayUsage:
        """Return what the user has used on ``day``; see the port."""
        return self.usage.of_day(user_id, day)

    def days(self, user_id: str, *, limit: int) -> Sequence[DayUsage]:
        """Return the user's newest days; see the port."""
        return self.usage.days(user_id, limit=limit)

    def add(self, spending: Spending) -> None:
        """Count a spending; see the port. Google also bills what an erased user has cost."""
        try:
            self.usage.add(spending)
        except (UserErased, StoreUnavailable):
            self.budget.add(spending.cost_usd, session_id=spending.session_id)
            raise
        self.budget.add(spending.cost_usd, session_id=spending.session_id)
