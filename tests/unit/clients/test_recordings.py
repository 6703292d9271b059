import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee_client.recordings import Recording, UnusableRecordingError, read_wav, write_wav

pytestmark = pytest.mark.unit

whole_samples = st.lists(st.integers(-32_768, 32_767), max_size=2_000).map(
    lambda samples: struct.pack(f"<{len(samples)}h", *samples)
)


def write_raw_wav(
    path: Path,
    *,
    channels: int = 1,
    width_bytes: int = 2,
    rate_hz: int = 16_000,
    data: bytes = bytes(640),
) -> Path:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width_bytes)
        writer.setframerate(rate_hz)
        writer.writeframes(data)
    return path


# Recordings


@given(pcm=whole_samples.filter(bool), rate_hz=st.sampled_from([16_000, 24_000]))
def test_a_written_recording_is_read_back_unchanged(tmp_path_factory, pcm, rate_hz):
    path = tmp_path_factory.mktemp("wav") / "speech.wav"
    recording = Recording(pcm, rate_hz)
    write_wav(path, recording)
    assert read_wav(path, sample_rate_hz=rate_hz) == recording


def test_writing_replaces_a_longer_file(tmp_path):
    path = tmp_path / "reply.wav"
    write_wav(path, Recording(bytes(9_600), 24_000))
    write_wav(path, Recording(b"\x01\x02", 24_000))
    assert read_wav(path, sample_rate_hz=24_000).pcm == b"\x01\x02"


@pytest.mark.parametrize(
    "form",
    [{"rate_hz": 48_000}, {"channels": 2}, {"width_bytes": 1}, {"width_bytes": 4}],
)
def test_another_format_is_converted(tmp_path, form):
    path = write_raw_wav(tmp_path / "mine.wav", **form, data=bytes(9_600))
    size_bytes = 9_600 * 16_000 // form.get("rate_hz", 16_000)
    size_bytes = size_bytes // form.get("channels", 1) * 2 // form.get("width_bytes", 2)
    recording = read_wav(path)
    assert len(recording.pcm) == size_bytes
    assert recording.sample_rate_hz == 16_000


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3\x04 this is not a WAV file at all"])
def test_a_file_that_is_not_wav_is_refused_by_name(tmp_path, content):
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(UnusableRecordingError, match=r"song\.wav: is not a PCM WAV file"):
        read_wav(path)


def test_floating_point_samples_are_refused(tmp_path):
    path = tmp_path / "float.wav"
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 16_000, 64_000, 4, 32)
    data = struct.pack("<4sI4s", b"data", 4, bytes(4))
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(form + data), b"WAVE") + form + data)
    with pytest.raises(UnusableRecordingError, match="unknown format: 3"):
        read_wav(path)


def test_a_truncated_file_is_refused(tmp_path):
    path = write_raw_wav(tmp_path / "cut.wav", data=bytes(640))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnusableRecordingError, match=r"540 bytes of sound, .*says 640"):
        read_wav(path)


def test_a_file_without_samples_is_refused(tmp_path):
    with pytest.raises(UnusableRecordingError, match="0 bytes of sound"):
        read_wav(write_raw_wav(tmp_path / "empty.wav", data=b""))


def test_a_missing_file_raises_the_error_of_the_operating_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "none.wav")


def test_a_recording_consists_of_whole_samples():
    with pytest.raises(ValueError, match="3 bytes"):
        Recording(b"abc")


def test_a_recording_knows_how_long_it_lasts():
    assert Recording(bytes(32_000)).duration_ms == 1_000
    assert Recording(bytes(4_800), 24_000).duration_ms == 100


# Chunks


@given(pcm=whole_samples, chunk_ms=st.integers(1, 300))
def test_chunks_joined_are_the_recording_and_only_the_last_may_be_shorter(pcm, chunk_ms):
    chunks = Recording(pcm).chunks(chunk_ms)
    assert b"".join(chunks) == pcm
    assert all(len(chunk) == chunk_ms * 32 for chunk in chunks[:-1])
    assert all(0 < len(chunk) <= chunk_ms * 32 for chunk in chunks)


@pytest.mark.parametrize(("chunk_ms", "rate_hz"), [(0, 16_000), (-20, 16_000), (1, 11_025)])
def test_a_chunk_must_be_a_whole_number_of_samples(chunk_ms, rate_hz):
    with pytest.raises(ValueError, match="not a whole chunk"):
        Recording(bytes(64), rate_hz).chunks(chunk_ms)


@pytest.mark.parametrize("rate_hz", [0, 1, 999, 384_001, 4_000_000_000])
def test_a_rate_that_no_recording_has_is_refused(tmp_path, rate_hz):
    path = tmp_path / "a.wav"
    write_wav(path, Recording(bytes(640)))
    content = bytearray(path.read_bytes())
    content[24:28] = rate_hz.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(UnusableRecordingError, match="samples a second"):
        read_wav(path)


def test_a_chunk_that_is_longer_than_its_file_is_refused(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, Recording(bytes(640)))
    content = path.read_bytes()
    for size in range(256):
        path.write_bytes(content[:16] + bytes([size, 1]) + content[18:])
        with pytest.raises(UnusableRecordingError):
            read_wav(path)
