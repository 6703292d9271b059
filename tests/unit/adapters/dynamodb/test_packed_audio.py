"""Audio in the mailbox takes fewer bytes, and comes out as it went in."""

import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.speech.room_noise import with_room_noise
from local.stack import PROJECT
from repartee.adapters.dynamodb.sessions.packed_audio import pack, unpack
from repartee_client.recordings import Recording, read_wav

pytestmark = pytest.mark.unit

CHUNK_BYTES = 6_400


def sound(samples: list[int]) -> bytes:
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def stream(content: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(content) + coder.flush()


@given(st.lists(st.integers(-32_768, 32_767), max_size=300))
def test_packed_audio_is_unpacked_bit_by_bit(samples):
    pcm = sound(samples)
    assert unpack(pack(pcm)) == pcm


def test_steps_between_the_extremes_come_out_too():
    pcm = sound([0, 32_767, -32_768, 32_767, -1, 0, -32_768, -32_768, 1])
    assert unpack(pack(pcm)) == pcm


@pytest.mark.parametrize("name", ["1-greeting", "2-booking", "3-recall"])
def test_speech_takes_three_quarters_at_most(name):
    spoken = read_wav(PROJECT / "local" / "recordings" / "default" / f"{name}.wav")
    chunks = spoken.chunks(200)
    packed = [pack(chunk) for chunk in chunks]
    assert [unpack(one) for one in packed] == chunks
    assert sum(map(len, packed)) < 0.75 * len(spoken.pcm)


def test_a_quiet_room_takes_less_than_two_thirds_and_silence_next_to_nothing():
    room = with_room_noise(Recording(bytes(CHUNK_BYTES)), seed=1)
    assert len(pack(room.pcm)) < CHUNK_BYTES * 2 / 3
    assert len(pack(bytes(CHUNK_BYTES))) < 900


def test_incompressible_audio_grows_by_a_few_bytes_only():
    # 500 ms is the longest message.
    for size in (2, 640, 16_000):
        noise = hashlib.shake_128(b"noise").digest(size)
        assert len(pack(noise)) <= size + 16


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xff\xff",
        pack(b"\1\2\3\4")[:-1],
        pack(b"\1\2\3\4") + b"\0",
        stream(b"ab") + stream(b"c"),
    ],
    ids=["nothing", "no stream", "cut off", "more behind it", "halves that do not match"],
)
def test_bytes_of_another_format_are_refused(broken):
    with pytest.raises(ValueError, match="packed audio"):
        unpack(broken)
