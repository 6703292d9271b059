"""What a client may send, what it is told when it may not, and how frames are written."""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repartee.domain.errors import BadInput
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    NumberedFrame,
    ReplyAudio,
    Transcript,
    TurnEnd,
)
from repartee.domain.protocol.messages import (
    MAX_SEQ,
    Audio,
    Bye,
    Hello,
    Message,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.protocol.wire import (
    MAX_AUDIO_BYTES,
    MAX_FRAME_BYTES,
    MAX_PLAYED_MS,
    MAX_TEXT_CHARACTERS,
    AckModel,
    Busy,
    HelloModel,
    PingModel,
    Pong,
    PositionModel,
    Ready,
    Rejected,
    encode_frame,
    encode_reply,
    parse_client_message,
    to_message,
)

if TYPE_CHECKING:
    pass

pytestmark = pytest.mark.unit

POSITION = {"epoch": 2, "seq": 7}


def base64_of(length: int) -> str:
    return base64.b64encode(bytes(length)).decode()


def checked(fields: Mapping[str, Any]) -> Message:
    return to_message(parse_client_message(json.dumps(fields)))


def refusal(text: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        to_message(parse_client_message(text))
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
        ({"type": "bye", "seq": 6}, Bye()),
    ],
)
def test_a_numbered_message_becomes_what_the_session_knows(fields, message):
    assert checked(fields) == message


def test_an_acknowledgement_may_leave_out_what_is_played():
    model = parse_client_message(json.dumps({"type": "ack", "received": POSITION}))

    assert model == AckModel(type="ack", received=PositionModel(epoch=2, seq=7))


def test_a_ping_owes_nothing_unless_it_says_so():
    assert parse_client_message('{"type":"ping"}') == PingModel(type="ping", owed=False)
    assert parse_client_message('{"type":"ping","owed":true}') == PingModel(type="ping", owed=True)


@pytest.mark.parametrize("fields", [{"type": "ack", "received": POSITION}, {"type": "ping"}])
def test_a_message_without_a_number_is_no_message_of_the_session(fields):
    model = parse_client_message(json.dumps(fields))

    with pytest.raises(ValueError, match="not numbered"):
        to_message(model)


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
        model = parse_client_message(text)
        if not isinstance(model, AckModel | PingModel):
            to_message(model)
    except BadInput as problem:
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


def test_a_frame_is_written_with_its_type_epoch_and_number():
    assert json.loads(encode_frame(NumberedFrame(3, 14, Accepted(9)))) == {
        "type": "accepted",
        "through": 9,
        "epoch": 3,
        "seq": 14,
    }
    end = TurnEnd(4, 100, 20, 0.0125, None, 0)
    assert json.loads(encode_frame(NumberedFrame(1, 1, end)))["first_audio_ms"] is None


def test_reply_audio_of_the_largest_size_fits_a_frame_of_the_gateway():
    frame = ReplyAudio(99_999_999, bytes(18_000))

    assert len(encode_frame(NumberedFrame(99_999, 99_999_999, frame))) < MAX_FRAME_BYTES


def test_the_message_functions_own_replies_carry_no_number():
    ready = json.loads(encode_reply(Ready("s", "c", 200, 30)))

    assert ready["type"] == "ready"
    assert ready["max_in_flight"] == 25
    assert (ready["input_rate_hz"], ready["output_rate_hz"]) == (16_000, 24_000)
    assert json.loads(encode_reply(Pong(served=True))) == {"type": "pong", "served": True}
    assert json.loads(encode_reply(Busy(500, 8)))["seq"] == 8
    assert json.loads(encode_reply(Rejected("x", "y", retryable=False)))["field"] == ""


def test_every_frame_has_a_type_of_its_own():
    frames = get_args(Frame.__value__)

    assert len({frame.type for frame in frames}) == len(frames)


def test_frames_are_utf8_and_half_a_pair_of_surrogates_breaks_none():
    written = encode_frame(NumberedFrame(1, 2, Transcript(1, "model", "ü👋\ud83d", final=True)))

    assert '"text":"ü👋?"' in written
    assert "👋" in encode_reply(Rejected("code", "👋", retryable=False))
