from decimal import Decimal

import pytest

from repartee.application.answers.service_budget import BudgetedUsageStore, ServiceBudget
from repartee.domain.cost.limits import DAY_MS, LimitKind, utc_day
from repartee.domain.cost.service_cap import ServiceSpending
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import LeaseLost, StoreUnavailable, UserErased
from repartee.domain.session.state import Spending
from repartee.domain.users.preferences import Profile
from tests.fakes.clock import NOON_MS, FakeClock
from tests.fakes.service import FakeServiceSpendings
from tests.fakes.tables import FakeTables
from tests.fakes.usage_store import FakeUsageStore

pytestmark = pytest.mark.unit

TODAY = utc_day(NOON_MS)
CENT = Decimal("0.01")


class Scene:
    def __init__(self, cap_usd: str = "1") -> None:
        self.clock, self.store = FakeClock(), FakeServiceSpendings()
        self.budget = ServiceBudget(self.store, self.clock, Decimal(cap_usd))


def test_costs_add_up_to_the_cap() -> None:
    scene = Scene("0.02")
    scene.budget.add(CENT, session_id="a")
    assert scene.budget.hit() is None

    scene.budget.add(CENT, session_id="b")

    assert scene.budget.today() == ServiceSpending(TODAY, 2 * CENT)
    hit = scene.budget.hit()
    assert hit is not None
    assert hit.kind is LimitKind.SERVICE


def test_without_a_cap_nothing_is_counted_or_read() -> None:
    scene = Scene("0")
    scene.store.failing = True
    scene.budget.add(CENT, session_id="a")

    assert scene.budget.today() is None
    assert scene.budget.hit() is None
    assert not scene.store.totals


def test_a_cost_that_cannot_be_written_goes_with_the_next_one_of_the_day() -> None:
    scene = Scene()
    scene.store.failing = True
    scene.budget.add(CENT, session_id="a")
    assert scene.budget.today() is None

    scene.store.failing = False
    scene.budget.add(CENT, session_id="a")
    scene.budget.add(Decimal(0), session_id="a")

    assert scene.store.totals == {TODAY: 2 * CENT}


def test_a_cost_that_was_not_written_does_not_count_on_the_next_day() -> None:
    scene = Scene()
    scene.store.failing = True
    scene.budget.add(CENT, session_id="a")
    scene.store.failing = False
    scene.clock.advance(DAY_MS)

    scene.budget.add(CENT, session_id="a")

    assert scene.store.totals == {utc_day(NOON_MS + DAY_MS): CENT}


class Spender:
    """A usage store of one erased user, one user whose lease is lost, and others."""

    def __init__(self) -> None:
        self.scene, self.tables = Scene(), FakeTables()
        self.tables.profiles["erased"] = Profile("erased", erased_at_ms=NOON_MS)
        self.users = FakeUsageStore(self.tables)
        self.store = BudgetedUsageStore(self.users, self.scene.budget)

    def spend(self, user: str = "user", epoch: int | None = None) -> None:
        spending = Spending(
            user_id=user,
            session_id="session",
            token=user,
            spent_at_ms=NOON_MS,
            tokens=TokenUsage(),
            cost_usd=CENT,
            epoch=epoch,
        )
        self.store.add(spending)


def test_a_users_spending_counts_for_the_user_and_for_the_deployment() -> None:
    spender = Spender()
    spender.spend()

    assert spender.store.of_day("user", TODAY).cost_usd == CENT
    assert [one.cost_usd for one in spender.store.days("user", limit=5)] == [CENT]
    assert spender.scene.store.totals == {TODAY: CENT}


def test_what_is_billed_but_cannot_be_counted_for_the_user_counts_for_the_deployment() -> None:
    spender = Spender()
    with pytest.raises(UserErased):
        spender.spend("erased")
    spender.users.failing = True
    with pytest.raises(StoreUnavailable):
        spender.spend()

    assert spender.scene.store.totals == {TODAY: 2 * CENT}


def test_a_spending_that_is_counted_again_after_a_lost_lease_counts_once() -> None:
    spender = Spender()
    with pytest.raises(LeaseLost):
        spender.spend(epoch=1)
    spender.spend()

    assert spender.scene.store.totals == {TODAY: CENT}
