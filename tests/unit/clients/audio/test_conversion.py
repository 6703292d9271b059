"""Recordings of any format sound the same after the conversion."""

import math
import struct

import pytest

from repartee_client.audio.conversion import convert

pytestmark = pytest.mark.unit


def tone(rate_hz: int, *, hz: float, seconds: float = 0.25, peak: float = 10_000) -> list[int]:
    count = round(rate_hz * seconds)
    return [round(peak * math.sin(2 * math.pi * hz * i / rate_hz)) for i in range(count)]


def pcm16(samples: list[int]) -> bytes:
    return struct.pack(f"<{len(samples)}h", *samples)


def unpack(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


def converted(
    pcm: bytes,
    *,
    width_bytes: int = 2,
    channels: int = 1,
    rate_hz: int = 16_000,
    to_hz: int = 16_000,
) -> list[int]:
    return unpack(
        convert(
            pcm,
            width_bytes=width_bytes,
            channels=channels,
            from_rate_hz=rate_hz,
            to_rate_hz=to_hz,
        )
    )


VALUES = [0, 1, -1, 255, -256, 12_345, 32_767, -32_768]


def test_the_wanted_format_is_unchanged():
    assert converted(pcm16(VALUES)) == VALUES


def test_wider_samples_keep_their_high_bytes():
    packed24 = b"".join((value * 256).to_bytes(3, "little", signed=True) for value in VALUES)
    packed32 = struct.pack(f"<{len(VALUES)}i", *(value << 16 for value in VALUES))

    assert converted(packed24, width_bytes=3) == VALUES
    assert converted(packed32, width_bytes=4) == VALUES


def test_bytes_are_unsigned():
    assert converted(bytes([128, 0, 255, 129]), width_bytes=1) == [0, -32_768, 32_512, 256]


def test_channels_are_averaged():
    assert converted(pcm16([100, 300, -5, 5, 32_767, 32_767]), channels=2) == [200, 0, 32_767]


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("hz", [200.0, 1_000.0, 3_000.0])
def test_a_tone_of_speech_keeps_its_pitch_and_loudness(rate_hz, hz):
    found = converted(pcm16(tone(rate_hz, hz=hz)), rate_hz=rate_hz)
    wanted = tone(16_000, hz=hz)

    assert abs(len(found) - len(wanted)) <= 1
    middle = slice(400, -400)
    errors = [abs(a - b) for a, b in zip(found[middle], wanted[middle], strict=False)]
    assert max(errors) < 300, "3 % of the loudest sample"


def test_what_the_lower_rate_cannot_hold_is_removed():
    found = converted(pcm16(tone(48_000, hz=12_000)), rate_hz=48_000)
    assert max(map(abs, found[400:-400])) < 100


def test_a_loud_edge_is_clipped_and_does_not_wrap():
    square = ([32_767] * 100 + [-32_768] * 100) * 10
    found = converted(pcm16(square), rate_hz=48_000)
    assert max(found) == 32_767
    assert min(found) == -32_768


def test_a_very_short_recording_is_converted():
    assert len(converted(pcm16([1_000] * 3), rate_hz=48_000)) == 1
    assert converted(b"", rate_hz=48_000) == []
