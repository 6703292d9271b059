import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee_client.recordings import (
    Recording,
    UnusableRecordingError,
    UnusableScriptError,
    Utterance,
    load_script,
    read_wav,
    without_silence,
    word_error_rate,
    words_of,
    write_wav,
)

pytestmark = pytest.mark.unit

RECORDINGS = Path(__file__).parents[3] / "local" / "recordings"
SCRIPTS = sorted(folder for folder in RECORDINGS.iterdir() if folder.is_dir())
COMMITTED_WAVS = sorted(RECORDINGS.rglob("*.wav"))

whole_samples = st.lists(st.integers(-32_768, 32_767), max_size=2_000).map(
    lambda samples: struct.pack(f"<{len(samples)}h", *samples)
)
sentences = st.lists(st.sampled_from(["my", "name", "is", "robert", "i'd", "three"]), max_size=8)


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


def put_script(folder: Path, *names: str) -> None:
    for name in names:
        write_raw_wav(folder / name)


# Recordings


@given(pcm=whole_samples.filter(bool), rate_hz=st.sampled_from([16_000, 24_000]))
def test_what_is_written_is_read_back_sample_for_sample(tmp_path_factory, pcm, rate_hz):
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
    ("form", "has"),
    [
        ({"rate_hz": 44_100}, "44100 Hz, 1 channel, 16-bit PCM WAV"),
        ({"channels": 2}, "16000 Hz, 2 channels, 16-bit PCM WAV"),
        ({"width_bytes": 1}, "16000 Hz, 1 channel, 8-bit PCM WAV"),
    ],
)
def test_another_form_is_refused_with_the_file_what_it_has_and_what_is_needed(tmp_path, form, has):
    path = write_raw_wav(tmp_path / "mine.wav", **form)
    with pytest.raises(UnusableRecordingError) as caught:
        read_wav(path)
    assert (caught.value.path, caught.value.has) == (path, has)
    assert str(caught.value) == f"{path}: has {has}; needs 16000 Hz, 1 channel, 16-bit PCM WAV"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3\x04 this is not a WAV file at all"])
def test_a_file_that_is_no_wav_is_refused_by_name(tmp_path, content):
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(UnusableRecordingError, match=r"song\.wav: has no PCM WAV data"):
        read_wav(path)


def test_floating_point_samples_are_refused(tmp_path):
    path = tmp_path / "float.wav"
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 16_000, 64_000, 4, 32)
    data = struct.pack("<4sI4s", b"data", 4, bytes(4))
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(form + data), b"WAVE") + form + data)
    with pytest.raises(UnusableRecordingError, match="unknown format: 3"):
        read_wav(path)


def test_a_file_cut_short_is_refused(tmp_path):
    path = write_raw_wav(tmp_path / "cut.wav", data=bytes(640))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UnusableRecordingError, match=r"540 bytes of sound .*says 640"):
        read_wav(path)


def test_a_file_without_samples_is_refused(tmp_path):
    with pytest.raises(UnusableRecordingError, match="0 bytes of sound"):
        read_wav(write_raw_wav(tmp_path / "empty.wav", data=b""))


def test_a_missing_file_is_the_operating_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_wav(tmp_path / "none.wav")


def test_a_recording_holds_whole_samples_only():
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


# Word error


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, my name is Robert.", ["hello", "my", "name", "is", "robert"]),
        ("I\u2019d like 'three' o'clock!", ["i'd", "like", "three", "o'clock"]),
        ("half-past 3:30 p.m.", ["half", "past", "3", "30", "p", "m"]),
        ("नमस्ते, मेरा नाम", ["नमस्ते", "मेरा", "नाम"]),
        (" ' \u2013 ... ", []),
    ],
)
def test_words_are_lower_case_and_free_of_punctuation(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"),
    [
        ("on friday at three", "On Friday, at three.", 0.0),
        ("on friday at three", "on friday at tree", 0.25),
        ("on friday at three", "on friday three", 0.25),
        ("on friday at three", "on a friday at three", 0.25),
        ("on friday at three", "on friday at 3", 0.25),
        ("on friday at three", "", 1.0),
        ("yes", "well yes i do", 3.0),
        ("at ten in the morning", "ten in the morning at", 0.4),
    ],
)
def test_word_error_counts_edits_per_word_of_the_reference(reference, hypothesis, rate):
    assert word_error_rate(reference, hypothesis) == pytest.approx(rate)


def test_word_error_is_not_defined_when_nothing_was_said():
    with pytest.raises(ValueError, match="no words"):
        word_error_rate("...", "hello")


@given(said=sentences.filter(bool), heard=sentences)
def test_word_error_is_a_distance(said, heard):
    rate = word_error_rate(" ".join(said), " ".join(heard))
    edits = rate * len(said)
    assert (rate == 0) == (said == heard)
    assert abs(len(said) - len(heard)) <= edits + 1e-9
    assert edits <= max(len(said), len(heard)) + 1e-9
    if heard:
        back = word_error_rate(" ".join(heard), " ".join(said)) * len(heard)
        assert edits == pytest.approx(back)


@given(said=sentences.filter(bool), data=st.data())
def test_one_changed_word_is_one_edit(said, data):
    index = data.draw(st.integers(0, len(said) - 1))
    heard = [*said[:index], "otherwise", *said[index + 1 :]]
    assert word_error_rate(" ".join(said), " ".join(heard)) == pytest.approx(1 / len(said))


# Scripts


def test_a_script_is_in_the_order_of_its_numbers_with_the_texts_there_are(tmp_path):
    put_script(tmp_path, "10-bye.wav", "2-booking.WAV", "1-greeting.wav")
    (tmp_path / "2-booking.txt").write_text("on friday\n  at three\n")
    (tmp_path / "README.md").write_text("not a recording")
    assert load_script(tmp_path) == [
        Utterance(tmp_path / "1-greeting.wav", None),
        Utterance(tmp_path / "2-booking.WAV", "on friday at three"),
        Utterance(tmp_path / "10-bye.wav", None),
    ]


def test_too_few_recordings_are_refused_with_those_found(tmp_path):
    put_script(tmp_path, "1-greeting.wav", "2-booking.wav")
    with pytest.raises(
        UnusableScriptError, match=r"3 recordings or more, found 1-greeting\.wav, 2-"
    ):
        load_script(tmp_path)
    assert len(load_script(tmp_path, minimum=2)) == 2


def test_an_empty_folder_and_a_missing_one_are_refused_by_name(tmp_path):
    with pytest.raises(UnusableScriptError, match="found none"):
        load_script(tmp_path)
    with pytest.raises(UnusableScriptError, match="nowhere: is not a folder"):
        load_script(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("greeting.wav", "greeting.wav is not named like 1-greeting.wav"),
        ("03-again.wav", "03-again.wav and 3-recall.wav share a number"),
    ],
)
def test_a_recording_whose_place_is_unclear_is_refused(tmp_path, extra, problem):
    put_script(tmp_path, "1-greeting.wav", "2-booking.wav", "3-recall.wav", extra)
    with pytest.raises(UnusableScriptError, match=problem):
        load_script(tmp_path)


def test_a_text_file_without_words_is_refused(tmp_path):
    put_script(tmp_path, "1-greeting.wav", "2-booking.wav", "3-recall.wav")
    (tmp_path / "3-recall.txt").write_text(" \n")
    with pytest.raises(UnusableScriptError, match=r"3-recall\.txt has no words"):
        load_script(tmp_path)


# The recordings that come with the project


def test_the_committed_scripts_are_three():
    assert [folder.name for folder in SCRIPTS] == ["alternative", "default", "second_user"]


@pytest.mark.parametrize("folder", SCRIPTS, ids=lambda folder: folder.name)
def test_a_committed_script_says_what_is_spoken_in_each_recording(folder):
    assert all(utterance.spoken for utterance in load_script(folder))


@pytest.mark.parametrize("path", COMMITTED_WAVS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_committed_recording_has_a_little_silence_around_its_speech(path):
    """Detectors need some quiet before speech; more would count as time to first audio."""
    frames = read_wav(path).chunks(10)
    loud = [i for i, frame in enumerate(frames) if max(map(abs, memoryview(frame).cast("h"))) > 150]
    assert 10 <= loud[0] <= 20
    assert 10 <= len(frames) - 1 - loud[-1] <= 20


def test_committed_scripts_differ_in_their_words():
    bookings = {load_script(folder)[1].spoken for folder in SCRIPTS}
    greetings = {load_script(folder)[0].spoken for folder in SCRIPTS}
    assert (len(bookings), len(greetings)) == (len(SCRIPTS), len(SCRIPTS))


def test_speech_is_the_same_whatever_silence_is_around_and_in_it():
    speech = bytes([1, 0, 0, 2, 0, 3])
    assert without_silence(bytes(4) + speech[:2] + bytes(2) + speech[2:] + bytes(6)) == speech
