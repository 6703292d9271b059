"""The speech recognizer in its own process, so that its crash does not end the simulator.

Reads utterances from standard input: four bytes of little-endian length, then PCM16 mono 16 kHz.
The answer to each is one JSON line on standard output. The process ends with its standard input,
and on Linux with its parent.
"""

import json
import os
import re
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import audioop
from moonshine_voice import ModelArch, get_model_path
from moonshine_voice.transcriber import Transcriber

from local.gemini.speech.vad import SAMPLE_RATE_HZ
from local.hosting.lifeline import die_with_parent

# The model repeats itself in longer speech.
LONGEST_PART_S = 12.0
# The model makes up words such as "You" from more quiet than this before the speech.
LEAD_S = 0.04
TAIL_S = 0.3
_BYTES_PER_S = SAMPLE_RATE_HZ * 2
_STEP_BYTES = _BYTES_PER_S // 100
# The detector finds the onset within this time.
_ONSET_BEFORE_S, _ONSET_AFTER_S = 0.2, 0.6
# The model spells these words as old books do.
_OLD_SPELLING = re.compile(r"\b(to)-(day|morrow|night)\b|\b(good)-(by)e?\b", re.IGNORECASE)

type Span = tuple[float, float]
"""The start and the end of detected speech in seconds."""


def speech_parts(pcm: bytes, spans: Sequence[Span]) -> Iterator[bytes]:
    """Yield the parts of an utterance that hold speech, the first from its onset."""
    groups: list[Span] = []
    for start, end in spans:
        if groups and end - groups[-1][0] <= LONGEST_PART_S:
            groups[-1] = groups[-1][0], end
        else:
            groups.append((start, end))
    for index, (start, end) in enumerate(groups):
        begin = start if index else _onset(pcm, start) - LEAD_S
        last = groups[index + 1][0] if index + 1 < len(groups) else end + TAIL_S
        yield pcm[_offset(begin) : _offset(min(last, end + TAIL_S))]


def _onset(pcm: bytes, detected_s: float) -> float:
    """Return the time of the first loud sound near the detected start of the speech."""
    volumes = [audioop.rms(pcm[at : at + _STEP_BYTES], 2) for at in range(0, len(pcm), _STEP_BYTES)]
    ranked = sorted(volumes)
    loud, quiet = ranked[len(ranked) * 19 // 20], ranked[len(ranked) // 20]
    least = max(loud * 0.03, quiet * 2.5)
    first = max(0, round((detected_s - _ONSET_BEFORE_S) * 100))
    last = round((detected_s + _ONSET_AFTER_S) * 100)
    for index in range(first, min(last, len(volumes) - 1)):
        if min(volumes[index], volumes[index + 1]) >= least:
            return index / 100
    return detected_s


def _offset(seconds: float) -> int:
    return max(0, round(seconds * SAMPLE_RATE_HZ)) * 2


class Recognizer:
    """Moonshine's smallest English model, which its package contains."""

    def __init__(self) -> None:
        # Without a threshold it takes all samples as one line. Its detector would split some words
        # from their sentence.
        self._model = _transcriber(vad_threshold=0)
        self._words(bytes(_BYTES_PER_S))  # the first call takes longer

    def recognize(self, pcm: bytes) -> str:
        """Return the words of an utterance, "" without speech."""
        # A detector keeps a state that would affect the next utterance. A new one takes no time.
        with _transcriber(skip_transcription=True) as detector:
            lines = detector.transcribe_without_streaming(_floats(pcm)).lines
        spans = [(line.start_time, line.start_time + line.duration) for line in lines]
        text = " ".join(filter(None, map(self._words, speech_parts(pcm, spans))))
        return _OLD_SPELLING.sub(_join, text)

    def _words(self, pcm: bytes) -> str:
        lines = self._model.transcribe_without_streaming(_floats(pcm)).lines
        return " ".join(line.text.strip() for line in lines)


def _transcriber(**options: object) -> Transcriber:
    options |= {"return_audio_data": False}
    return Transcriber(
        get_model_path("tiny-en"),
        ModelArch.TINY,
        options={name: str(value).lower() for name, value in options.items()},
    )


def _floats(pcm: bytes) -> list[float]:
    return [sample / 32_768 for sample in array("h", pcm)]


def _join(old: re.Match[str]) -> str:
    to, day, good, by = old.groups()
    return f"{to}{day}" if to else f"{good}{by}e"


def serve(recognizer: Recognizer, utterances: BinaryIO, answers: BinaryIO) -> None:
    """Recognize until ``utterances`` ends."""
    while len(length := utterances.read(4)) == 4:
        text = recognizer.recognize(utterances.read(int.from_bytes(length, "little")))
        answers.write(json.dumps({"text": text}).encode() + b"\n")
        answers.flush()


def main() -> None:
    die_with_parent(os.getppid())
    recognizer = Recognizer()
    answers = sys.stdout.buffer
    answers.write(b'{"ready": true}\n')
    answers.flush()
    serve(recognizer, sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
