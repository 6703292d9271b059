"""The parts of an utterance that the recognizer gets."""

import json
from array import array
from io import BytesIO
from itertools import cycle, islice
from typing import cast

import pytest

from local.gemini.speech.decoder import Recognizer, serve, speech_parts

pytestmark = pytest.mark.unit


def sound(seconds: float, volume: int = 8_000) -> bytes:
    return array("h", islice(cycle((volume, -volume)), round(seconds * 16_000))).tobytes()


def test_a_part_begins_40_ms_before_the_onset_however_long_the_quiet_before_it() -> None:
    for quiet_s in (0.0, 0.1, 1.0):
        pcm = sound(quiet_s, 20) + sound(1.0) + sound(0.5, 20)
        detected_s = max(0.0, quiet_s - 0.1)

        (part,) = speech_parts(pcm, [(detected_s, quiet_s + 1.0)])

        assert part == sound(min(quiet_s, 0.04), 20) + sound(1.0) + sound(0.3, 20)


def test_a_click_before_the_speech_is_not_its_onset() -> None:
    pcm = sound(0.5, 20) + sound(0.01) + sound(0.09, 20) + sound(1.0) + sound(0.5, 20)

    (part,) = speech_parts(pcm, [(0.5, 1.6)])

    assert part.startswith(sound(0.04, 20) + sound(1.0))


def test_pauses_within_a_sentence_stay_in_its_part() -> None:
    pcm = sound(1.0) + sound(0.6, 20) + sound(1.0)

    assert list(speech_parts(pcm, [(0.0, 1.0), (1.6, 2.6)])) == [pcm]


def test_long_speech_is_cut_in_its_pauses() -> None:
    pcm = sound(60.0)
    spans = [(start, start + 4.8) for start in range(0, 60, 5)]

    parts = list(speech_parts(pcm, spans))

    assert b"".join(parts) == pcm
    assert max(map(len, parts)) <= 12 * 32_000


@pytest.mark.parametrize("pcm", [b"", bytes(2), bytes(64_000)])
def test_without_detected_speech_there_are_no_parts(pcm: bytes) -> None:
    assert list(speech_parts(pcm, [])) == []


@pytest.mark.parametrize("length", [2, 320, 322, 1_000])
def test_the_shortest_utterances_have_a_part(length: int) -> None:
    assert list(speech_parts(bytes(length), [(0.0, length / 32_000)])) == [bytes(length)]


def test_each_utterance_has_its_answer_until_the_input_ends() -> None:
    class Echo:
        def recognize(self, pcm: bytes) -> str:
            return pcm.decode()

    frames = BytesIO(b"\x03\0\0\0one" + b"\0\0\0\0" + b"\x03\0\0\0two" + b"\x01")
    answers = BytesIO()

    serve(cast(Recognizer, Echo()), frames, answers)

    assert [json.loads(line) for line in answers.getvalue().splitlines()] == [
        {"text": "one"},
        {"text": ""},
        {"text": "two"},
    ]
