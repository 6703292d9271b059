from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.demo.recorded_script import (
    UnusableScriptError,
    Utterance,
    check_recordings,
    load_script,
    word_error_rate,
    words_of,
)
from repartee_client.recordings import Recording, read_wav, write_wav

pytestmark = pytest.mark.unit

RECORDINGS = Path(__file__).parents[4] / "local" / "recordings"
# The folder of the guide to a new tool has one recording, and is no script.
SCRIPTS = sorted(
    folder for folder in RECORDINGS.iterdir() if folder.is_dir() and folder.name != "order"
)
COMMITTED_WAVS = sorted(RECORDINGS.rglob("*.wav"))

sentences = st.lists(st.sampled_from(["my", "name", "is", "robert", "i'd", "three"]), max_size=8)


def put_script(folder: Path, *names: str) -> None:
    for name in names:
        write_wav(folder / name, Recording(bytes(640)))


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
        ("on friday at three", "On Friday at 3:00.", 0.0),
        ("on friday at three o'clock", "On Friday at 3.", 0.0),
        ("the twenty seventh at nine thirty a m", "The 27th at 9:30 a.m.", 0.0),
        ("see the doctor tomorrow, goodbye", "See the Dr. to-morrow. Good-by.", 0.0),
        ("on friday at three", "on friday at 4", 0.25),
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
    put_script(tmp_path, "1-greeting.wav")
    with pytest.raises(UnusableScriptError, match=r"2 recordings or more, found 1-greeting\.wav"):
        load_script(tmp_path)
    assert len(load_script(tmp_path, minimum=1)) == 1


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


def test_the_committed_scripts_are_known():
    assert [folder.name for folder in SCRIPTS] == [
        "alternative",
        "default",
        "pizzeria",
        "second_user",
    ]


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


def test_a_silent_recording_is_named(tmp_path: Path):
    put_script(tmp_path, "1-greeting.wav", "2-booking.wav", "3-recall.wav")
    with pytest.raises(
        UnusableScriptError, match=r"1-greeting\.wav is silent: check the microphone"
    ):
        check_recordings(load_script(tmp_path))


@pytest.mark.parametrize("folder", SCRIPTS, ids=lambda folder: folder.name)
def test_the_committed_recordings_can_be_spoken(folder: Path):
    check_recordings(load_script(folder))
