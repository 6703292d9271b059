from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.cost.limits import (
    DAY_MS,
    DailyLimits,
    DayUsage,
    LimitHit,
    LimitKind,
    OwnLimits,
    first_limit_hit,
    next_utc_midnight_ms,
    remaining,
    utc_day,
)
from tests.fakes.clock import NOON_MS

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 20)
LIMITS = DailyLimits(60, Decimal(5))
moments_ms = st.integers(0, 4_000_000_000_000)
limits = st.builds(
    DailyLimits, st.integers(0, 86_400), st.decimals(0, 100, places=6, allow_nan=False)
)
usages = st.builds(
    DayUsage,
    st.just(DAY),
    talk_ms=st.integers(0, 10**9),
    cost_usd=st.decimals(0, 1_000, places=6, allow_nan=False),
)


def used(talk_ms: int = 0, cost_usd: str = "0") -> DayUsage:
    return DayUsage(DAY, talk_ms=talk_ms, cost_usd=Decimal(cost_usd))


def test_a_limit_is_reached_when_it_is_used_up_and_not_before() -> None:
    assert first_limit_hit(LIMITS, used(59_999, "4.999999"), NOON_MS) is None

    midnight_ms = NOON_MS + 12 * 3_600_000
    talk = LimitHit(LimitKind.TALK_SECONDS, Decimal(60), midnight_ms)
    assert first_limit_hit(LIMITS, used(60_000), NOON_MS) == talk
    cost = LimitHit(LimitKind.COST, Decimal(5), midnight_ms)
    assert first_limit_hit(LIMITS, used(0, "5"), NOON_MS) == cost


def test_a_limit_of_nought_is_none() -> None:
    assert not DailyLimits()
    assert first_limit_hit(DailyLimits(), used(10**12, "1000000"), NOON_MS) is None
    assert first_limit_hit(DailyLimits(talk_s=60), used(0, "1000000"), NOON_MS) is None


def test_an_operators_word_for_one_user_holds_over_the_deployments() -> None:
    assert OwnLimits().over(LIMITS) == LIMITS
    assert OwnLimits(talk_s=10).over(LIMITS) == DailyLimits(10, Decimal(5))
    assert OwnLimits(0, Decimal(0)).over(LIMITS) == DailyLimits()
    assert OwnLimits(5, Decimal(1)).over(DailyLimits()) == DailyLimits(5, Decimal(1))


def test_the_day_is_the_utc_day() -> None:
    last_ms = int(datetime(2026, 11, 20, 23, 59, 59, 999_000, UTC).timestamp() * 1_000)

    assert utc_day(last_ms) == DAY
    assert utc_day(last_ms + 1) == date(2026, 11, 21)
    assert next_utc_midnight_ms(last_ms) == last_ms + 1


@given(moments_ms)
def test_the_reset_is_the_next_utc_midnight(now_ms: int) -> None:
    reset_ms = next_utc_midnight_ms(now_ms)

    assert 0 < reset_ms - now_ms <= DAY_MS
    assert datetime.fromtimestamp(reset_ms / 1_000, UTC).time().isoformat() == "00:00:00"
    assert utc_day(reset_ms - 1) == utc_day(now_ms) < utc_day(reset_ms)


@given(limits, usages)
def test_the_rest_of_a_limit_is_never_negative_and_zero_exactly_when_it_is_reached(
    limits: DailyLimits, usage: DayUsage
) -> None:
    left = remaining(limits, usage)

    assert (left.talk_s is None) == (limits.talk_s == 0)
    assert (left.cost_usd is None) == (limits.cost_usd == 0)
    assert left.talk_s is None or 0 <= left.talk_s <= limits.talk_s
    assert left.cost_usd is None or 0 <= left.cost_usd <= limits.cost_usd
    is_used_up = left.talk_s == 0 or left.cost_usd == 0
    assert (first_limit_hit(limits, usage, NOON_MS) is not None) == is_used_up


@given(limits, usages, st.integers(0, 10**6), st.decimals(0, 10, places=6, allow_nan=False))
def test_using_more_never_lifts_a_limit(
    limits: DailyLimits, usage: DayUsage, more_ms: int, more_usd: Decimal
) -> None:
    more = replace(usage, talk_ms=usage.talk_ms + more_ms, cost_usd=usage.cost_usd + more_usd)

    if first_limit_hit(limits, usage, NOON_MS) is not None:
        assert first_limit_hit(limits, more, NOON_MS) is not None
    before, after = remaining(limits, usage), remaining(limits, more)
    assert (after.talk_s or 0) <= (before.talk_s or 0)
    assert (after.cost_usd or 0) <= (before.cost_usd or 0)
