import pytest

from repartee.domain.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ, duration_ms, length_bytes

pytestmark = pytest.mark.unit


def test_one_second_of_each_format_has_its_length():
    assert duration_ms(32_000, INPUT_RATE_HZ) == 1_000
    assert duration_ms(48_000, OUTPUT_RATE_HZ) == 1_000
    assert length_bytes(200, INPUT_RATE_HZ) == 6_400


def test_a_length_never_splits_a_sample():
    assert length_bytes(0.1, INPUT_RATE_HZ) == 2
    assert length_bytes(0.05, INPUT_RATE_HZ) == 0
