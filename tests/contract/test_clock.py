from datetime import UTC, datetime

import pytest

from repartee.adapters.clock import SystemClock
from repartee.ports.runtime import Clock
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.contract


@pytest.fixture(params=[FakeClock, SystemClock], ids=["fake", "system"])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_time_is_in_whole_milliseconds_of_this_century(clock: Clock) -> None:
    now_ms = clock.now_ms()

    assert isinstance(now_ms, int)
    assert 2026 <= datetime.fromtimestamp(now_ms / 1000, UTC).year < 2100


def test_the_monotonic_clock_never_goes_back(clock: Clock) -> None:
    readings = [clock.monotonic_ms() for _ in range(1_000)]

    assert readings == sorted(readings)
    assert isinstance(readings[0], int)


def test_the_system_clock_is_the_clock_of_the_machine() -> None:
    before_ms = datetime.now(UTC).timestamp() * 1000

    assert before_ms - 1 <= SystemClock().now_ms() <= datetime.now(UTC).timestamp() * 1000


def test_the_fake_clock_moves_only_when_a_test_advances_it() -> None:
    clock = FakeClock()
    before = clock.now_ms(), clock.monotonic_ms()

    assert (clock.now_ms(), clock.monotonic_ms()) == before
    clock.advance(250)
    assert (clock.now_ms(), clock.monotonic_ms()) == (before[0] + 250, before[1] + 250)
