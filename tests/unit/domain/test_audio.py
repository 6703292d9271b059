import pytest

from repartee.domain.audio import (
    INPUT_RATE_HZ,
    OUTPUT_RATE_HZ,
    duration_ms,
    is_audible,
    length_bytes,
)

pytestmark = pytest.mark.unit


def test_one_second_of_each_format_has_its_length():
    assert duration_ms(32_000, INPUT_RATE_HZ) == 1_000
    assert duration_ms(48_000, OUTPUT_RATE_HZ) == 1_000
    assert length_bytes(200, INPUT_RATE_HZ) == 6_400


def test_a_length_never_splits_a_sample():
    assert length_bytes(0.1, INPUT_RATE_HZ) == 2
    assert length_bytes(0.05, INPUT_RATE_HZ) == 0


@pytest.mark.parametrize(
    ("amplitude", "expected"), [(0, False), (18, False), (32, False), (34, True), (2_000, True)]
)
def test_audio_below_minus_60_dbfs_is_inaudible(amplitude, expected):
    pcm = amplitude.to_bytes(2, "little", signed=True) + (-amplitude).to_bytes(
        2, "little", signed=True
    )
    assert is_audible(pcm * 2_400) is expected


def test_half_a_sample_and_nothing_at_all_cannot_be_heard():
    assert not is_audible(b"")
    assert not is_audible(b"\x7f")
    assert is_audible(b"\x00\x7f\x00")
