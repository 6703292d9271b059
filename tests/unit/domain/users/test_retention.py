import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.cost.limits import DAY_S
from repartee.domain.users.retention import HEADER_MARGIN_S, Retention
from tests.fakes.clock import NOON_MS

pytestmark = pytest.mark.unit

NOON_S = NOON_MS // 1_000


def test_nothing_expires_by_default() -> None:
    forever = Retention()

    assert not forever
    assert forever.ends_at_s(NOON_MS) is None
    assert forever.header_ends_at_s(NOON_MS) is None
    assert forever.renewed_header_ends_at_s(NOON_MS, NOON_S) is None


def test_a_written_turn_expires_days_later_and_its_header_a_week_after_that() -> None:
    month = Retention(30)

    assert month.ends_at_s(NOON_MS) == NOON_S + 30 * DAY_S
    assert month.header_ends_at_s(NOON_MS) == NOON_S + 37 * DAY_S


def test_a_header_that_stays_for_ever_goes_on_to() -> None:
    assert Retention(30).renewed_header_ends_at_s(NOON_MS, None) is None


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 10 * DAY_S)), min_size=1, max_size=20)
)
def test_no_header_expires_before_any_turn_whatever_the_operator_changes(
    commits: list[tuple[int, int]],
) -> None:
    """Each commit comes with the days that are set by then, and s after the one before."""
    never = float("inf")
    now_ms = NOON_MS
    header_s = Retention(commits[0][0]).header_ends_at_s(now_ms)
    turns_s = 0.0
    for days, later_s in commits:
        now_ms += later_s * 1_000
        retention = Retention(days)
        turns_s = max(turns_s, retention.ends_at_s(now_ms) or never)
        header_s = retention.renewed_header_ends_at_s(now_ms, header_s)
        assert (header_s or never) >= turns_s
        if header_s is not None:
            assert header_s >= turns_s + HEADER_MARGIN_S
