"""How the server's messages are written."""

import json
from typing import get_args

import pytest

from repartee.adapters.wire.encoding import ANSWER_TYPES, FRAME_TYPES, encode
from repartee.adapters.wire.version import MAX_FRAME_BYTES
from repartee.domain.protocol.answers import Answer, Busy, Pong, Ready, Rejected
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    NumberedFrame,
    ReplyAudio,
    Transcript,
    TurnEnd,
)

pytestmark = pytest.mark.unit


def test_a_frame_is_written_with_its_type_epoch_and_number():
    assert json.loads(encode(NumberedFrame(3, 14, Accepted(9)))) == {
        "type": "accepted",
        "through": 9,
        "epoch": 3,
        "seq": 14,
    }
    end = TurnEnd(4, 100, 20, 0.0125, None, 0)
    assert json.loads(encode(NumberedFrame(1, 1, end)))["first_audio_ms"] is None


def test_reply_audio_of_the_largest_size_fits_a_frame_of_the_gateway():
    frame = ReplyAudio(99_999_999, bytes(18_000))

    assert len(encode(NumberedFrame(99_999, 99_999_999, frame))) < MAX_FRAME_BYTES


def test_the_message_functions_answers_carry_no_number():
    ready = json.loads(encode(Ready("s", "c", 200, 30)))

    assert ready["type"] == "ready"
    assert ready["max_in_flight"] == 25
    assert (ready["input_rate_hz"], ready["output_rate_hz"]) == (16_000, 24_000)
    assert json.loads(encode(Pong(served=True))) == {"type": "pong", "served": True}
    assert json.loads(encode(Busy(500, 8)))["seq"] == 8
    assert json.loads(encode(Rejected("x", "y", retryable=False)))["field"] == ""


def test_every_message_has_a_separate_type():
    assert FRAME_TYPES.keys() == set(get_args(Frame.__value__))
    assert ANSWER_TYPES.keys() == set(get_args(Answer.__value__))
    for types in (FRAME_TYPES, ANSWER_TYPES):
        assert len(set(types.values())) == len(types)


@pytest.mark.parametrize(
    ("message", "written"),
    [
        (
            NumberedFrame(1, 2, ReplyAudio(3, b"\1\2")),
            '{"type":"audio","turn":3,"data":"AQI=","epoch":1,"seq":2}',
        ),
        (
            NumberedFrame(1, 2, TurnEnd(4, 100, 20, 0.0125, None, 0)),
            '{"type":"turn_end","turn":4,"tokens_in":100,"tokens_out":20,"cost_usd":0.0125,'
            '"first_audio_ms":null,"skipped_messages":0,"epoch":1,"seq":2}',
        ),
        (
            Ready("s", "c", 200, 30, next_seq=2, output_kept=True),
            '{"type":"ready","session_id":"s","conversation_id":"c","chunk_ms":200,"grace_s":30,'
            '"max_in_flight":25,"max_audio_bytes":16000,"max_text_characters":4000,'
            '"input_rate_hz":16000,"output_rate_hz":24000,"protocol":1,'
            '"features":["marks_speech","stop","speech_heard"],"next_seq":2,"output_kept":true}',
        ),
    ],
)
def test_a_message_is_written_byte_for_byte(message, written):
    assert encode(message) == written


def test_frames_are_utf8_and_half_a_pair_of_surrogates_breaks_none():
    written = encode(NumberedFrame(1, 2, Transcript(1, "model", "ü👋\ud83d", final=True)))

    assert '"text":"ü👋?"' in written
    assert "👋" in encode(Rejected("code", "👋", retryable=False))
