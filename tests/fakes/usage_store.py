from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from repartee.domain.cost.limits import DayUsage, utc_day
from repartee.domain.errors import LeaseLost, StoreUnavailable, UserErased
from repartee.domain.session.state import Spending
from tests.fakes.tables import FakeTables


class FakeUsageStore:
    """Counters in memory.

    Attributes:
        failing: The table cannot be reached.
    """

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables
        self._tokens: set[str] = set()
        self.failing = False

    def _check(self) -> None:
        if self.failing:
            raise StoreUnavailable("the test makes the store fail")

    def of_day(self, user_id: str, day: date) -> DayUsage:
        self._check()
        with self._tables.lock:
            return self._tables.usage.get((user_id, day), DayUsage(day))

    def days(self, user_id: str, *, limit: int) -> Sequence[DayUsage]:
        self._check()
        with self._tables.lock:
            mine = [
                used
                for (user, day), used in self._tables.usage.items()
                if user == user_id and self._tables.is_kept("usage", user, day)
            ]
        return sorted(mine, key=lambda used: used.day, reverse=True)[:limit]

    def add(self, spending: Spending) -> None:
        self._check()
        tables = self._tables
        with tables.lock:
            state = tables.states.get(spending.session_id)
            if tables.is_erased(spending.user_id):
                raise UserErased(spending.user_id)
            if spending.epoch is not None and (state is None or spending.epoch != state.epoch):
                raise LeaseLost(spending.session_id)
            if spending.token in self._tokens:
                return
            self._tokens.add(spending.token)
            if state is not None:
                tables.states[spending.session_id] = replace(
                    state, cost_usd=state.cost_usd + spending.cost_usd
                )
            tables.count(
                spending.user_id,
                DayUsage(
                    utc_day(spending.spent_at_ms),
                    tokens=spending.tokens,
                    cost_usd=spending.cost_usd,
                ),
                spending.spent_at_ms,
            )
