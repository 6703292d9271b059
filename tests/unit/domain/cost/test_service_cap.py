from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.cost.limits import LimitKind, next_utc_midnight_ms, utc_day
from repartee.domain.cost.service_cap import ServiceSpending, service_cap_hit, spent_on
from tests.fakes.clock import NOON_MS

pytestmark = pytest.mark.unit

usd = st.decimals(min_value=0, max_value=10_000, places=6)
moments_ms = st.integers(0, 4_000_000_000_000)


@given(cap=usd, costs=st.lists(usd), now_ms=moments_ms)
def test_the_cap_is_hit_exactly_when_the_costs_of_the_day_reach_it(
    cap: Decimal, costs: list[Decimal], now_ms: int
) -> None:
    spent = ServiceSpending(utc_day(now_ms))
    for cost in costs:
        spent = spent.plus(cost)

    hit = service_cap_hit(cap, spent, now_ms)

    assert (hit is not None) is (0 < cap <= sum(costs))
    if hit is not None:
        assert hit.kind is LimitKind.SERVICE
        assert hit.limit == 0
        assert hit.resets_at_ms == next_utc_midnight_ms(now_ms)


@given(days=st.integers(-1_000, 1_000).filter(bool), cost=usd)
def test_costs_of_another_day_do_not_count(days: int, cost: Decimal) -> None:
    today = utc_day(NOON_MS)
    other = ServiceSpending(today + timedelta(days), cost)

    assert spent_on(today, other) == ServiceSpending(today)
    assert service_cap_hit(Decimal("0.01"), other, NOON_MS) is None


def test_an_unknown_spending_hits_no_cap() -> None:
    assert service_cap_hit(Decimal(1), None, NOON_MS) is None
