"""Known words of recordings, for languages that the recognizer does not hear."""

from pathlib import Path

import audioop

from local.demo.recorded_script import UnusableScriptError, load_script
from local.gemini.mind.data_files import DataFileError
from local.gemini.speech.vad import SAMPLE_RATE_HZ
from repartee_client.recordings import UnusableRecordingError, read_wav

_BYTES_PER_S = SAMPLE_RATE_HZ * 2
# An utterance and a recording must share this much, and it must not be silent.
_SHARED_BYTES = _BYTES_PER_S // 4
_STEP_BYTES = _BYTES_PER_S // 10
_LEAST_VOLUME = 100


class Transcripts:
    """The words of the recordings in a folder: of ``N-name.wav``, the text of ``N-name.txt``.

    Args:
        folder: A folder with such pairs; the recordings are 16 kHz mono 16-bit.

    Raises:
        DataFileError: A recording or its text is missing or cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        try:
            script = load_script(folder, minimum=1)
            self._recordings = [(read_wav(one.wav).pcm, one.spoken) for one in script]
        except (UnusableScriptError, UnusableRecordingError) as error:
            raise DataFileError(str(error)) from error
        if silent := [one.wav for one in script if one.spoken is None]:
            raise DataFileError(
                f"{silent[0].with_suffix('.txt')}: write the words of the recording"
            )

    def find(self, pcm: bytes) -> str | None:
        """Return the words of the recording that contains part of an utterance, None without one.

        The samples arrive unchanged, but the detector of speech decides where an utterance begins
        and ends.
        """
        for start in range(0, len(pcm) - _SHARED_BYTES + 1, _STEP_BYTES):
            part = pcm[start : start + _SHARED_BYTES]
            if audioop.rms(part, 2) < _LEAST_VOLUME:
                continue
            for samples, words in self._recordings:
                if part in samples:
                    return words
        return None
