"""What a client may send, and the errors that it gets for anything else."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.adapters.wire.client_models import MAX_PLAYED_MS, HelloModel
from repartee.adapters.wire.parsing import parse
from repartee.adapters.wire.version import MAX_FRAME_BYTES
from repartee.domain.errors import UnusableMessage
from repartee.domain.protocol.messages import (
    MAX_AUDIO_BYTES,
    MAX_SEQ,
    MAX_TEXT_CHARACTERS,
    Acknowledged,
    Audio,
    Bye,
    Hello,
    Message,
    OutputPosition,
    ParsedMessage,
    Ping,
    Sequenced,
    SpeechEnd,
    SpeechStart,
    Stop,
    Text,
)

pytestmark = pytest.mark.unit

POSITION = {"epoch": 2, "seq": 7}


def base64_of(length: int) -> str:
    return base64.b64encode(bytes(length)).decode()


def checked(fields: Mapping[str, Any]) -> Message:
    content = parse(json.dumps(fields)).content
    assert isinstance(content, Sequenced)
    return content.message


def refusal(text: str | None) -> UnusableMessage:
    with pytest.raises(UnusableMessage) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "hello", "seq": 1, "protocol": 1}, Hello()),
        (
            {"type": "hello", "seq": MAX_SEQ, "protocol": 1, "resume_from": POSITION},
            Hello(OutputPosition(2, 7)),
        ),
        ({"type": "hello", "seq": 1, "protocol": 1, "resume_from": None}, Hello()),
        (
            {"type": "hello", "seq": 1, "protocol": 1, "marks_speech": True},
            Hello(marks_speech=True),
        ),
        ({"type": "audio", "seq": 2, "data": "AQI="}, Audio(b"\x01\x02")),
        (
            {"type": "audio", "seq": 2, "data": base64_of(MAX_AUDIO_BYTES)},
            Audio(bytes(MAX_AUDIO_BYTES)),
        ),
        ({"type": "speech_start", "seq": 3}, SpeechStart()),
        ({"type": "speech_end", "seq": 4}, SpeechEnd()),
        ({"type": "text", "seq": 5, "text": "Grüß Gott 🎙"}, Text("Grüß Gott 🎙")),
        (
            {"type": "text", "seq": 5, "text": "x" * MAX_TEXT_CHARACTERS},
            Text("x" * MAX_TEXT_CHARACTERS),
        ),
        (
            {
                "type": "hello",
                "seq": 1,
                "protocol": 1,
                "features": ["of later", "speech_heard", "stop", "stop"],
            },
            Hello(features=("stop", "speech_heard")),
        ),
        ({"type": "stop", "seq": 6}, Stop()),
        ({"type": "bye", "seq": 6}, Bye()),
    ],
)
def test_a_numbered_message_becomes_what_the_session_knows(fields, message):
    assert checked(fields) == message


def test_an_acknowledgement_may_leave_out_what_is_played():
    content = parse(json.dumps({"type": "ack", "received": POSITION})).content

    assert content == Acknowledged(OutputPosition(2, 7), 0, None)


def test_a_ping_owes_nothing_unless_it_says_so():
    assert parse('{"type":"ping"}').content == Ping(owed=False)
    assert parse('{"type":"ping","owed":true}').content == Ping(owed=True)


def test_a_message_has_its_number_and_the_name_of_its_type():
    assert parse('{"type":"bye","seq":6}') == ParsedMessage("bye", Sequenced(6, Bye()))


def test_a_refusal_has_the_number_and_the_type_as_far_as_they_are_known():
    no_pcm = refusal('{"type":"audio","seq":6,"data":"***"}')
    assert (no_pcm.kind, no_pcm.seq) == ("audio", 6)
    no_type = refusal('{"seq":6}')
    assert (no_type.kind, no_type.seq) == ("", 6)
    for text in ('{"type":"bye","seq":true}', '{"type":"bye","seq":0}', "[]", "{", None):
        assert refusal(text).seq is None


def test_a_binary_frame_is_refused():
    assert refusal(None).code == "not_text"


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"type": "bye", "seq": 0}, "seq", "greater than or equal to 1"),
        ({"type": "bye", "seq": MAX_SEQ + 1}, "seq", str(MAX_SEQ)),
        ({"type": "bye", "seq": "5"}, "seq", "valid integer"),
        ({"type": "bye", "seq": 5.0}, "seq", "valid integer"),
        ({"type": "bye", "seq": True}, "seq", "valid integer"),
        ({"type": "bye", "seq": None}, "seq", "valid integer"),
        ({"type": "bye"}, "seq", "required"),
        ({"type": "bye", "seq": 1, "session_id": "x"}, "session_id", "leave it out"),
        ({"type": "hello", "seq": 1}, "protocol", "required"),
        ({"type": "hello", "seq": 1, "protocol": 10**300}, "protocol", str(MAX_SEQ)),
        ({"type": "hello", "seq": 1, "protocol": 2}, "protocol", "use 1"),
        (
            {"type": "hello", "seq": 1, "protocol": 1, "resume_from": {"epoch": -1, "seq": 0}},
            "resume_from.epoch",
            "equal to 0",
        ),
        (
            {"type": "hello", "seq": 1, "protocol": 1, "resume_from": {"epoch": 1}},
            "resume_from.seq",
            "required",
        ),
        (
            {"type": "hello", "seq": 1, "protocol": 1, "features": ["x"] * 21},
            "features",
            "at most 20 items",
        ),
        (
            {"type": "hello", "seq": 1, "protocol": 1, "features": ["x" * 41]},
            "features.0",
            "at most 40 characters",
        ),
        ({"type": "text", "seq": 1, "text": ""}, "text", "at least 1 character"),
        ({"type": "text", "seq": 1, "text": "x" * 4_001}, "text", str(MAX_TEXT_CHARACTERS)),
        ({"type": "text", "seq": 1, "text": 5}, "text", "valid string"),
        ({"type": "audio", "seq": 1, "data": "no base64!"}, "data", "base64"),
        ({"type": "audio", "seq": 1, "data": "ÄÖ=="}, "data", "base64"),
        ({"type": "audio", "seq": 1, "data": "AQI"}, "data", "base64"),
        ({"type": "audio", "seq": 1, "data": ""}, "data", "even number above 0"),
        ({"type": "audio", "seq": 1, "data": "AQ=="}, "data", "even number above 0"),
        ({"type": "audio", "seq": 1, "data": base64_of(16_002)}, "data", str(MAX_AUDIO_BYTES)),
        ({"type": "ack", "received": {"epoch": 10**40, "seq": 1}}, "received.epoch", str(MAX_SEQ)),
        ({"type": "ack", "received": POSITION, "turn": -1}, "turn", "equal to 0"),
        (
            {"type": "ack", "received": POSITION, "played_ms": MAX_PLAYED_MS + 1},
            "played_ms",
            str(MAX_PLAYED_MS),
        ),
        ({"type": "ack", "received": POSITION, "played_ms": -1}, "played_ms", "equal to 0"),
        ({"type": "ping", "owed": 1}, "owed", "valid boolean"),
    ],
)
def test_a_refusal_names_the_field_and_the_limit(fields, field, words):
    refused = refusal(json.dumps(fields))

    assert refused.field == field
    assert words in str(refused)
    assert not refused.retryable


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_json"),
        ("hello", "not_json"),
        ("{", "not_json"),
        ("[" * 200_000, "not_json"),
        ('{"type":"bye","seq":' + "9" * 5_000 + "}", "not_json"),
        ("\ud800", "not_json"),
        ('{"type":"bye","seq":NaN}', "invalid_message"),
        ("null", "invalid_message"),
        ("[]", "invalid_message"),
        ("{}", "invalid_message"),
        ('{"type":["bye"],"seq":1}', "invalid_message"),
    ],
)
def test_a_frame_that_is_no_message_is_refused_as_a_whole_or_by_field(text, code):
    refused = refusal(text)

    assert refused.code == code
    assert refused.field in ("", "seq")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"type":"text","seq":1,"text":"a","text":"b"}', "text"),
        ('{"type":"bye","type":"ping"}', "type"),
        ('{"type":"bye","seq":1,"seq":1}', "seq"),
        ('{"type":"ack","received":{"epoch":1,"seq":1,"seq":2}}', "seq"),
        ('{"type":"bye","seq":1,"s\\u0065q":2}', "seq"),
    ],
)
def test_a_field_that_is_there_twice_is_refused_and_named(text, field):
    refused = refusal(text)

    assert (refused.code, refused.field) == ("invalid_message", field)
    assert "send it once" in str(refused)


def test_a_message_that_is_no_object_is_refused_with_that_reason():
    assert "one JSON object" in str(refusal("[]"))


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"my card is 4929","seq":1}',
        '{"type":"bye","seq":"my card is 4929"}',
        '{"type":"text","seq":1,"text":["my card is 4929"]}',
        '{"type":"audio","seq":1,"data":"my card is 4929"}',
        '{"type":"ack","received":{"epoch":"my card is 4929","seq":1}}',
    ],
)
def test_a_refusal_never_repeats_what_was_sent(text):
    assert "4929" not in str(refusal(text))


def test_a_field_name_of_the_clients_own_is_repeated_only_in_part():
    refused = refusal('{"type":"bye","seq":1,"' + "k" * 20_000 + '":1}')

    assert refused.field == "k" * 40


def test_the_models_keep_input_out_of_their_own_errors():
    with pytest.raises(ValueError, match="type") as caught:
        HelloModel.model_validate({"type": "my card is 4929"})

    assert "4929" not in str(caught.value)


def read_or_refuse(text: str) -> None:
    try:
        parse(text)
    except UnusableMessage as problem:
        refused = problem
    else:
        return
    assert refused.code
    assert len(refused.field) <= 40
    assert len(str(refused)) < 300


@given(st.text())
def test_any_text_is_a_message_or_bad_input(text):
    read_or_refuse(text)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["hello", "audio", "text", "ack", "ping", "bye", "AAA=", POSITION]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["hello", "audio", "text", "ack", "ping", "bye", "speech_start"])
FIELDS = st.sampled_from(
    ["seq", "data", "text", "protocol", "resume_from", "received", "turn", "played_ms", "owed"]
)


@given(TYPES | VALUES, st.dictionaries(FIELDS | st.text(), VALUES, max_size=5))
def test_any_json_object_is_a_message_or_bad_input(message_type, fields):
    read_or_refuse(json.dumps({"type": message_type, **fields}))


@given(st.lists(VALUES, max_size=3) | VALUES)
def test_any_json_value_is_a_message_or_bad_input(value):
    read_or_refuse(json.dumps(value))


@given(st.binary(min_size=2, max_size=400).filter(lambda pcm: len(pcm) % 2 == 0))
def test_audio_arrives_byte_for_byte(pcm):
    data = base64.b64encode(pcm).decode()

    assert checked({"type": "audio", "seq": 1, "data": data}) == Audio(pcm)


def test_the_longest_audio_message_fits_a_frame_of_the_gateway():
    longest = {"type": "audio", "seq": MAX_SEQ, "data": base64_of(MAX_AUDIO_BYTES)}

    assert len(json.dumps(longest)) < MAX_FRAME_BYTES
