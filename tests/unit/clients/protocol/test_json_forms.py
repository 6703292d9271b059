"""The client's JSON forms are the server's, so the two cannot drift apart."""

from dataclasses import MISSING, asdict, fields
from typing import Any, get_args, get_type_hints

import pytest

from repartee.adapters.wire.encoding import ANSWER_TYPES, FRAME_TYPES, encode
from repartee.adapters.wire.parsing import parse
from repartee.domain.protocol import messages as served
from repartee.domain.protocol.frames import NumberedFrame
from repartee_client.errors import BadServerMessageError
from repartee_client.protocol import frames, messages
from repartee_client.protocol.decoding import ANSWERS, FRAMES, decode_server_message
from repartee_client.protocol.encoding import encode_message

pytestmark = pytest.mark.unit

_VALUES: dict[Any, Any] = {int: 7, str: "é", float: 0.5, bool: True, bytes: b"\1\0"}


def example(kind: type[Any], *, is_full: bool) -> Any:
    """Return an instance of a dataclass with other values than the defaults, or with them."""
    hints = get_type_hints(kind)
    values = {}
    for one in fields(kind):
        if one.default is MISSING or is_full:
            hint = getattr(hints[one.name], "__value__", hints[one.name])
            choices = get_args(hint)
            values[one.name] = _VALUES.get(choices[0], choices[0]) if choices else _VALUES[hint]
    return kind(**values)


@pytest.mark.parametrize("is_full", [True, False], ids=["full", "least"])
@pytest.mark.parametrize("kind", FRAME_TYPES, ids=lambda kind: kind.__name__)
def test_every_frame_of_a_worker_is_known_with_all_its_fields(kind: type[Any], is_full: bool):
    sent = example(kind, is_full=is_full)

    taken = decode_server_message(encode(NumberedFrame(2, 3, sent)))

    assert isinstance(taken, frames.NumberedFrame)
    assert (taken.epoch, taken.seq) == (2, 3)
    assert taken.frame is not None
    assert asdict(taken.frame) == asdict(sent)
    assert type(taken.frame) is FRAMES[FRAME_TYPES[kind]]


@pytest.mark.parametrize("is_full", [True, False], ids=["full", "least"])
@pytest.mark.parametrize("kind", ANSWER_TYPES, ids=lambda kind: kind.__name__)
def test_every_answer_is_known_with_all_its_fields(kind: type[Any], is_full: bool):
    sent = example(kind, is_full=is_full)

    taken = decode_server_message(encode(sent))

    assert taken is not None
    assert asdict(taken) == asdict(sent)
    assert type(taken) is ANSWERS[ANSWER_TYPES[kind]]


def test_the_client_knows_nothing_that_the_server_does_not_send():
    assert set(FRAMES) == set(FRAME_TYPES.values())
    assert set(ANSWERS) == set(ANSWER_TYPES.values())


@pytest.mark.parametrize("kind", get_args(messages.Message), ids=lambda kind: kind.__name__)
def test_every_message_of_the_client_is_what_the_server_parses(kind: type[Any]):
    sent: Any = {
        messages.Hello: messages.Hello(messages.OutputPosition(3, 4), True, ("stop",)),
        messages.Audio: messages.Audio(b"\1\0"),
        messages.Text: messages.Text("é"),
    }.get(kind) or kind()

    content = parse(encode_message(5, sent)).content

    assert isinstance(content, served.Sequenced)
    assert content.seq == 5
    assert type(content.message).__name__ == kind.__name__
    parsed = asdict(content.message)
    assert {name: parsed[name] for name in asdict(sent)} == asdict(sent)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('["audio"]', "no JSON object with a type"),
        ('{"type":"pong","served":1}', "malformed pong: served is 1"),
        ('{"type":"busy","retry_after_ms":true}', "retry_after_ms is True"),
        ('{"type":"closed","epoch":1,"seq":1}', "reason is missing"),
        ('{"type":"closed","reason":"bye","epoch":"1","seq":1}', "epoch is '1'"),
        ('{"type":"audio","turn":1,"data":"?","epoch":1,"seq":1}', "data is not base64"),
    ],
)
def test_a_malformed_message_is_named(text: str, says: str):
    with pytest.raises(BadServerMessageError, match=says):
        decode_server_message(text)


def test_fields_and_reasons_of_later_versions_are_taken():
    text = '{"type":"closed","reason":"tired","mood":1,"epoch":1,"seq":1}'
    taken = decode_server_message(text)
    assert isinstance(taken, frames.NumberedFrame)
    assert asdict(taken)["frame"] == {"reason": "tired"}
