import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repartee.adapters.ids import UlidSource
from repartee.ports.runtime import IdSource
from tests.fakes.clock import NOON_MS
from tests.fakes.ids import FakeIdSource

pytestmark = pytest.mark.contract

CROCKFORD = set(string.digits + string.ascii_uppercase) - set("ILOU")
LAST_MS = (1 << 48) - 1


@pytest.fixture(params=[FakeIdSource, UlidSource], ids=["fake", "ulid"])
def ids(request: pytest.FixtureRequest) -> IdSource:
    made: IdSource = request.param()
    return made


def test_an_id_is_26_characters_of_crockfords_base_32(ids: IdSource) -> None:
    made = ids.new_id(NOON_MS)

    assert len(made) == 26
    assert set(made) <= CROCKFORD


def test_ids_are_unique(ids: IdSource) -> None:
    assert len({ids.new_id(NOON_MS) for _ in range(10_000)}) == 10_000


@given(earlier_ms=st.integers(0, LAST_MS - 1), later_by_ms=st.integers(1, LAST_MS))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_ids_sort_by_their_time(ids: IdSource, earlier_ms: int, later_by_ms: int) -> None:
    later_ms = min(LAST_MS, earlier_ms + later_by_ms)

    assert ids.new_id(earlier_ms) < ids.new_id(later_ms)


def test_the_time_is_written_as_the_ulid_specification_says(ids: IdSource) -> None:
    # The example of the specification: 1469918176385 ms is 01ARYZ6S41.
    assert ids.new_id(1_469_918_176_385).startswith("01ARYZ6S41")


def test_all_80_random_bits_of_a_ulid_vary() -> None:
    made = [UlidSource().new_id(NOON_MS)[10:] for _ in range(2_000)]

    for place in range(16):
        assert {one[place] for one in made} == CROCKFORD


@pytest.mark.parametrize("now_ms", [-1, LAST_MS + 1])
def test_a_time_that_does_not_fit_is_an_error(now_ms: int) -> None:
    with pytest.raises(ValueError, match="ULID"):
        UlidSource().new_id(now_ms)
