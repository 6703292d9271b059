"""The known words of recordings."""

import asyncio
import shutil
from pathlib import Path

import pytest

from local.demo.recorded_script import load_script
from local.gemini.mind.data_files import DataFileError
from local.gemini.speech.ears import Ears
from local.gemini.speech.transcripts import Transcripts
from local.stack import PROJECT
from repartee_client.recordings import read_wav

pytestmark = pytest.mark.unit

FOLDER = PROJECT / "local" / "recordings" / "pizzeria"
SCRIPT = load_script(FOLDER)


@pytest.mark.parametrize("utterance", SCRIPT, ids=lambda one: one.wav.stem)
def test_an_utterance_has_the_words_of_the_recording_that_it_is_cut_from(utterance) -> None:
    pcm = read_wav(utterance.wav).pcm
    known = Transcripts(FOLDER)

    assert known.find(pcm) == utterance.spoken
    assert known.find(bytes(3_000) + pcm[9_002:] + bytes(16_000)) == utterance.spoken
    assert known.find(pcm[2_000:-12_000]) == utterance.spoken


def test_other_speech_and_silence_have_no_known_words() -> None:
    known = Transcripts(FOLDER)
    other = read_wav(PROJECT / "local" / "recordings" / "default" / "1-greeting.wav").pcm

    assert known.find(other) is None
    assert known.find(bytes(64_000)) is None
    assert known.find(b"") is None


def test_a_recording_with_known_words_needs_no_recognizer() -> None:
    async def hear() -> str:
        words = Ears(0, Transcripts(FOLDER)).hear(read_wav(SCRIPT[0].wav).pcm)
        return await asyncio.wait_for(words, 5)

    assert asyncio.run(hear()) == "Buenas, me llamo Ana."


@pytest.mark.parametrize("name", ["1-greeting.txt", "1-greeting.wav", ""])
def test_a_folder_that_cannot_be_used_is_named(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "spoken"
    if name:
        shutil.copytree(FOLDER, folder)
        (folder / name).unlink()
    if name.endswith(".wav"):
        (folder / name).write_text("no audio")

    with pytest.raises(DataFileError, match=str(folder)):
        Transcripts(folder)
