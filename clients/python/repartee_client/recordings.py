"""Recorded speech: WAV files in and out, chunks to send, what was said against what was heard."""

import re
import unicodedata
import wave
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SAMPLE_WIDTH_BYTES = 2
INPUT_SAMPLE_RATE_HZ = 16_000
"""What a client sends; replies come back at 24 000 Hz (docs of the client protocol)."""

_SCRIPT_WAV = re.compile(r"(?P<number>\d+)-.+\.wav", re.IGNORECASE)
_MINIMUM_UTTERANCES = 3


class UnusableRecordingError(Exception):
    """A file that cannot be streamed as it is.

    Attributes:
        path: The file.
        has: What is in it.
        needs: What must be in it.
    """

    def __init__(self, path: Path, *, has: str, needs: str) -> None:
        super().__init__(f"{path}: has {has}; needs {needs}")
        self.path = path
        self.has = has
        self.needs = needs


def without_silence(pcm: bytes) -> bytes:
    """Drop the samples that are zero, so that speech can be compared whatever silence is around it.

    Args:
        pcm: 16-bit samples.
    """
    return array("h", [sample for sample in array("h", pcm) if sample]).tobytes()


class UnusableScriptError(Exception):
    """A folder whose recordings do not make up a conversation."""

    def __init__(self, folder: Path, problem: str) -> None:
        super().__init__(f"{folder}: {problem}")
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Recording:
    """Mono speech.

    Attributes:
        pcm: Little-endian signed 16-bit samples.
        sample_rate_hz: Samples per second.
    """

    pcm: bytes
    sample_rate_hz: int = INPUT_SAMPLE_RATE_HZ

    def __post_init__(self) -> None:
        if len(self.pcm) % SAMPLE_WIDTH_BYTES:
            raise ValueError(f"{len(self.pcm)} bytes are not whole 16-bit samples")
        if self.sample_rate_hz < 1:
            raise ValueError(f"sample_rate_hz must be positive, not {self.sample_rate_hz}")

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) / SAMPLE_WIDTH_BYTES / self.sample_rate_hz * 1_000

    def chunks(self, chunk_ms: int) -> list[bytes]:
        """Split into chunks of ``chunk_ms``; the last may be shorter, none is empty.

        Raises:
            ValueError: ``chunk_ms`` is not a positive, whole number of samples.
        """
        samples, remainder = divmod(self.sample_rate_hz * chunk_ms, 1_000)
        if samples < 1 or remainder:
            raise ValueError(f"{chunk_ms} ms is not a whole chunk at {self.sample_rate_hz} Hz")
        size_bytes = samples * SAMPLE_WIDTH_BYTES
        return [self.pcm[i : i + size_bytes] for i in range(0, len(self.pcm), size_bytes)]


class Utterance(NamedTuple):
    """One recording of a script, with the exact words spoken in it if they are known."""

    wav: Path
    spoken: str | None


def read_wav(path: Path, *, sample_rate_hz: int = INPUT_SAMPLE_RATE_HZ) -> Recording:
    """Read a mono 16-bit PCM WAV file; nothing is converted.

    Args:
        path: The file.
        sample_rate_hz: The rate it must have; 24_000 for a saved reply.

    Raises:
        UnusableRecordingError: Not a WAV file, another format or rate, cut short, or no samples.
        OSError: The file cannot be opened.
    """
    needs = f"{sample_rate_hz} Hz, 1 channel, 16-bit PCM WAV"
    try:
        with path.open("rb") as file, wave.open(file) as reader:
            form = reader.getparams()
            pcm = reader.readframes(form.nframes)
    except (wave.Error, EOFError) as error:
        has = f"no PCM WAV data ({error or 'the file ends too early'})"
        raise UnusableRecordingError(path, has=has, needs=needs) from error

    if (form.framerate, form.nchannels, form.sampwidth) != (sample_rate_hz, 1, SAMPLE_WIDTH_BYTES):
        channels = "1 channel" if form.nchannels == 1 else f"{form.nchannels} channels"
        has = f"{form.framerate} Hz, {channels}, {form.sampwidth * 8}-bit PCM WAV"
        raise UnusableRecordingError(path, has=has, needs=needs)
    promised_bytes = form.nframes * SAMPLE_WIDTH_BYTES
    if not pcm or len(pcm) != promised_bytes:
        has = f"{len(pcm)} bytes of sound (its header says {promised_bytes})"
        raise UnusableRecordingError(path, has=has, needs="at least one sample, and all of them")
    return Recording(pcm, sample_rate_hz)


def write_wav(path: Path, recording: Recording) -> None:
    """Write a mono 16-bit PCM WAV file, over any file of that name."""
    with path.open("wb") as file, wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_WIDTH_BYTES)
        writer.setframerate(recording.sample_rate_hz)
        writer.writeframes(recording.pcm)


def load_script(folder: Path, *, minimum: int = _MINIMUM_UTTERANCES) -> list[Utterance]:
    """List a folder's ``N-name.wav`` files by number, each with the text of ``N-name.txt``, if any.

    Raises:
        UnusableScriptError: No such folder, fewer than ``minimum`` recordings, a WAV file without a
            number, a number used twice, or a text file without words.
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
    """Lower-case words without punctuation; an apostrophe inside a word is part of it.

    Numbers stay as written: "3" and "three" are different words.
    """
    spaced = "".join(
        " " if character != "'" and unicodedata.category(character)[0] in "PS" else character
        for character in unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    )
    return [word for piece in spaced.split() if (word := piece.strip("'"))]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Count the word edits that turn ``hypothesis`` into ``reference``, per reference word.

    Returns:
        0.0 for the same words; above 1.0 when more was heard wrong than was said.

    Raises:
        ValueError: ``reference`` has no words, so the rate is not defined.
    """
    spoken = words_of(reference)
    if not spoken:
        raise ValueError("the reference has no words")
    return _edit_distance(spoken, words_of(hypothesis)) / len(spoken)


def _edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein distance, by rows: insertions, deletions and substitutions cost 1 each."""
    row = list(range(len(right) + 1))
    for i, left_word in enumerate(left, start=1):
        above, row = row, [i]
        for j, right_word in enumerate(right, start=1):
            substituted = above[j - 1] + (left_word != right_word)
            row.append(min(above[j] + 1, row[-1] + 1, substituted))
    return row[-1]
