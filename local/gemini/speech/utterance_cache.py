"""Keeps the words of utterances on disk, so that equal samples are decoded only once.

Decoding takes most of the processor time of a test run, and its tests repeat the same recordings.
Each utterance is decoded from the same state, so its words depend on its samples alone.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

from local.gemini.speech import decoder


class UtteranceCache:
    """The words of utterances by their samples, in a folder that several simulators may share.

    Args:
        folder: The folder; it is created with the first entry.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Another version of the decoder may recognize other words.
        self._decoder = (version("pocketsphinx") + Path(decoder.__file__).read_text()).encode()

    def find(self, pcm: bytes) -> str | None:
        """Return the words of an utterance, None if the cache does not have them."""
        try:
            return self._path(pcm).read_text()
        except FileNotFoundError:
            return None

    def keep(self, pcm: bytes, words: str) -> None:
        """Keep the words of an utterance."""
        path = self._path(pcm)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Renamed when complete, because another simulator may read at the same time.
        new_path = path.with_suffix(f".{id(self)}.new")
        new_path.write_text(words)
        new_path.replace(path)

    def _path(self, pcm: bytes) -> Path:
        return self._folder / f"{hashlib.sha256(self._decoder + pcm).hexdigest()}.txt"
