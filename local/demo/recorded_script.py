"""Loads a folder of recorded utterances, and compares their words."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import audioop

from local.demo.spellings import in_one_spelling
from repartee_client.recordings import SAMPLE_WIDTH_BYTES, read_wav

DEFAULT_RECORDINGS = Path(__file__).resolve().parents[1] / "recordings" / "default"
_SCRIPT_WAV = re.compile(r"(?P<number>\d+)-.+\.wav", re.IGNORECASE)
_MINIMUM_UTTERANCES = 2
# About -36 dB of the loudest possible sample: quieter than any speech near a microphone.
_MINIMUM_PEAK = 500


class UnusableScriptError(Exception):
    """A folder whose recordings do not form a conversation.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"{folder}: {problem}")
        self.folder = folder


class Utterance(NamedTuple):
    """One recording of a script, and the exact words in it if they are known."""

    wav: Path
    spoken: str | None


def load_script(folder: Path, *, minimum: int = _MINIMUM_UTTERANCES) -> list[Utterance]:
    """List a folder's ``N-name.wav`` files by number, each with the text of ``N-name.txt``, if any.

    Raises:
        UnusableScriptError: The folder does not exist or has fewer than ``minimum`` recordings, a
            WAV file has no number, two files have the same number, or a text file has no words.
    """
    if not folder.is_dir():
        raise UnusableScriptError(folder, "is not a folder")
    numbered: dict[int, Path] = {}
    for wav in sorted(path for path in folder.iterdir() if path.suffix.lower() == ".wav"):
        match = _SCRIPT_WAV.fullmatch(wav.name)
        if match is None:
            raise UnusableScriptError(folder, f"{wav.name} is not named like 1-greeting.wav")
        number = int(match["number"])
        if number in numbered:
            raise UnusableScriptError(
                folder, f"{numbered[number].name} and {wav.name} share a number"
            )
        numbered[number] = wav
    if len(numbered) < minimum:
        found = ", ".join(path.name for path in numbered.values()) or "none"
        raise UnusableScriptError(folder, f"needs {minimum} recordings or more, found {found}")
    return [Utterance(wav, _spoken(wav)) for _, wav in sorted(numbered.items())]


def check_recordings(script: Sequence[Utterance]) -> None:
    """Check that every recording can be spoken.

    Raises:
        UnusableRecordingError: A file has another format.
        UnusableScriptError: A recording is silent.
        OSError: A file cannot be opened.
    """
    for wav, _ in script:
        if audioop.max(read_wav(wav).pcm, SAMPLE_WIDTH_BYTES) < _MINIMUM_PEAK:
            raise UnusableScriptError(wav.parent, f"{wav.name} is silent: check the microphone")


def _spoken(wav: Path) -> str | None:
    text_file = wav.with_suffix(".txt")
    if not text_file.is_file():
        return None
    spoken = " ".join(text_file.read_text(encoding="utf-8").split())
    if not words_of(spoken):
        raise UnusableScriptError(
            wav.parent, f"{text_file.name} has no words; fill it or remove it"
        )
    return spoken


def words_of(text: str) -> list[str]:
    """Return the lower-case words without punctuation; apostrophes inside words remain.

    Numbers stay as written: "3" and "three" are different words.
    """
    spaced = "".join(
        " " if character != "'" and unicodedata.category(character)[0] in "PS" else character
        for character in unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    )
    return [word for piece in spaced.split() if (word := piece.strip("'"))]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Return the number of word edits between the texts, divided by the words of ``reference``.

    Numbers are compared in one spelling: "three" and "3" are the same word.

    Returns:
        0.0 for the same words; above 1.0 when there are more errors than reference words.

    Raises:
        ValueError: ``reference`` has no words, so the rate is not defined.
    """
    spoken = words_of(in_one_spelling(reference))
    if not spoken:
        raise ValueError("the reference has no words")
    return _edit_distance(spoken, words_of(in_one_spelling(hypothesis))) / len(spoken)


def _edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the Levenshtein distance: the number of insertions, deletions and substitutions."""
    row = list(range(len(right) + 1))
    for i, left_word in enumerate(left, start=1):
        above, row = row, [i]
        for j, right_word in enumerate(right, start=1):
            substituted = above[j - 1] + (left_word != right_word)
            row.append(min(above[j] + 1, row[-1] + 1, substituted))
    return row[-1]
