"""Voice activity detection on real speech, and the messages of a client."""

import base64
import json
import wave
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.gemini.live.protocol import ServerClose, check_key, decode_base64, parse_client_message
from local.gemini.speech.vad import (
    Segmenter,
    SpeechAudio,
    SpeechEnded,
    SpeechEvent,
    SpeechStarted,
    VadSettings,
)

pytestmark = pytest.mark.unit

SPEECH = Path(__file__).parents[4] / "fixtures" / "speech"
SECOND = bytes(32_000)


def utterance() -> bytes:
    with wave.open(str(SPEECH / "gemini_hello_my_name_is_robert.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return bytes(file.readframes(file.getnframes()))


def run(
    pcm: bytes, chunk: int, config: VadSettings | None = None
) -> tuple[Segmenter, list[SpeechEvent]]:
    segmenter = Segmenter(config or VadSettings())
    return segmenter, [
        event
        for start in range(0, len(pcm), chunk)
        for event in segmenter.feed(pcm[start : start + chunk])
    ]


def test_silence_holds_no_speech():
    _, events = run(SECOND * 3, 3_200)
    assert events == []


def test_speech_between_silences_is_one_utterance_with_all_its_samples():
    pcm = SECOND + utterance() + SECOND
    _, events = run(pcm, 3_200)
    assert isinstance(events[0], SpeechStarted)
    assert isinstance(events[-1], SpeechEnded)
    assert sum(isinstance(one, SpeechStarted) for one in events) == 1
    heard = b"".join(one.pcm for one in events if isinstance(one, SpeechAudio))
    assert heard in pcm
    assert 900 <= events[0].offset_ms <= 1_300
    assert len(heard) / 32 >= events[-1].offset_ms - events[0].offset_ms


@settings(max_examples=20, deadline=None)
@given(chunk=st.integers(1, 9_000))
def test_the_size_of_the_chunks_does_not_matter(chunk):
    pcm = SECOND + utterance() + SECOND
    assert run(pcm, chunk)[1] == run(pcm, 640)[1]


def test_a_longer_silence_can_be_asked_for():
    pcm = SECOND + utterance() + SECOND * 2
    quick = run(pcm, 640, VadSettings(silence_ms=300))[1][-1]
    slow = run(pcm, 640, VadSettings(silence_ms=1_200))[1][-1]
    assert isinstance(quick, SpeechEnded)
    assert isinstance(slow, SpeechEnded)
    assert slow.offset_ms - quick.offset_ms == 900


def test_the_end_of_the_stream_ends_the_utterance_at_once():
    segmenter, events = run(SECOND + utterance()[:40_000], 640)
    assert not any(isinstance(one, SpeechEnded) for one in events)
    assert isinstance(segmenter.end_stream()[-1], SpeechEnded)
    assert segmenter.end_stream() == []


@given(data=st.binary(max_size=200), urlsafe=st.booleans(), padded=st.booleans())
def test_base64_of_either_alphabet_is_read_padded_or_not(data, urlsafe, padded):
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    assert decode_base64(text if padded else text.rstrip("=")) == data


@pytest.mark.parametrize(
    "frame",
    [
        {"realtime_input": {"audio": {"data": "AAH-_w==", "mime_type": "audio/pcm;rate=8000"}}},
        {"realtimeInput": {"audio": {"data": "AAH+/w==", "mimeType": "audio/pcm;rate=8000"}}},
    ],
)
def test_both_key_styles_are_understood(frame):
    parsed = parse_client_message(json.dumps(frame))
    assert parsed.realtime_input is not None
    assert parsed.realtime_input.audio is not None
    assert parsed.realtime_input.audio.data == b"\x00\x01\xfe\xff"
    assert parsed.realtime_input.audio.rate_hz == 8_000


def test_function_schemas_keep_their_own_key_style():
    frame = {
        "setup": {
            "model": "models/gemini-3.8-live",
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "f",
                            "parameters": {"properties": {"first_name": {"type": "STRING"}}},
                        }
                    ]
                }
            ],
        }
    }
    setup = parse_client_message(json.dumps(frame)).setup
    assert setup is not None
    assert setup.functions[0].parameters == {"properties": {"first_name": {"type": "STRING"}}}
    assert setup.functions[0].behavior == "UNSPECIFIED"


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ("nonsense", "Invalid JSON"),
        ('{"setup": {"model": "m", "modle": 1}}', "modle"),
        ('{"realtimeInput": {"audio": {"data": "?"}}}', "data"),
        ('{"surprise": {}}', "surprise"),
    ],
)
def test_an_unreadable_message_closes_with_1007_and_the_name_of_the_field(frame, named):
    with pytest.raises(ServerClose, match=named) as refused:
        parse_client_message(frame)
    assert refused.value.code == 1007


def test_keys_are_needed_and_may_be_bad():
    check_key("any")
    for key, code in ((None, 1008), ("", 1008), ("bad-key", 1007)):
        with pytest.raises(ServerClose) as refused:
            check_key(key)
        assert refused.value.code == code
