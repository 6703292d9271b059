"""Refused messages are not kept, and the client gets the reason."""

import base64
from typing import Any

import pytest

from repartee.application.connections.client_answers import MAX_REFUSALS
from repartee.domain.protocol.messages import MAX_AUDIO_BYTES
from tests.unit.application.connections.message_route_harness import DATA, MessageRouteHarness

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "body",
    [
        {"type": "hello", "seq": 1, "protocol": 1},
        {"type": "text", "seq": 1, "text": "hi"},
        {"type": "ping", "owed": True},
    ],
)
@pytest.mark.parametrize("gone", ["ended", "missing"])
def test_a_session_that_is_over_says_so(body: dict[str, Any], gone: str) -> None:
    line = MessageRouteHarness()
    if gone == "ended":
        line.change_state(ended=True)
    else:
        line.tables.states.clear()

    (reply,) = line.send(body)

    assert reply["type"] == "error"
    assert reply["code"] == "session_ended"
    assert reply["retryable"] is False
    assert reply["seq"] == body.get("seq")
    assert line.workers.wakes == []


@pytest.mark.parametrize(
    ("body", "code", "field", "seq"),
    [
        ('{"type":"text","seq":3,"text":', "not_json", "", None),
        ("", "not_json", "", None),
        ("[" * 5_000, "not_json", "", None),
        ("[]", "invalid_message", "", None),
        ({"seq": 3}, "invalid_message", "", 3),
        ({"type": "song", "seq": 3}, "invalid_message", "", 3),
        ({"type": "text", "seq": 3}, "invalid_message", "text", 3),
        ({"type": "text", "seq": 3, "text": ""}, "invalid_message", "text", 3),
        ({"type": "text", "seq": 3, "text": "x" * 4_001}, "invalid_message", "text", 3),
        ({"type": "text", "seq": 3, "text": "x", "user_id": "u"}, "invalid_message", "user_id", 3),
        ({"type": "text", "seq": 0, "text": "x"}, "invalid_message", "seq", None),
        ({"type": "text", "seq": 10**9, "text": "x"}, "invalid_message", "seq", None),
        ({"type": "hello", "seq": 1, "protocol": 9}, "protocol_unknown", "protocol", 1),
        ({"type": "audio", "seq": 4, "data": "***"}, "audio_not_base64", "data", 4),
        ({"type": "audio", "seq": 4, "data": "QQ=="}, "audio_malformed", "data", 4),
        ({"type": "audio", "seq": 4, "data": ""}, "audio_malformed", "data", 4),
        (
            {
                "type": "audio",
                "seq": 4,
                "data": base64.b64encode(bytes(MAX_AUDIO_BYTES + 2)).decode(),
            },
            "audio_too_long",
            "data",
            4,
        ),
        ({"type": "ack", "received": {"epoch": -1, "seq": 0}}, "invalid_message", "", None),
    ],
)
def test_bad_input_is_explained_and_nothing_of_it_is_kept(
    body: Any, code: str, field: str, seq: int | None
) -> None:
    line = MessageRouteHarness()

    (reply,) = line.send(body)

    assert reply["type"] == "error"
    assert reply["code"] == code
    assert reply["message"]
    assert reply["retryable"] is False
    assert reply["seq"] == seq
    if field:
        assert reply["field"] == field
    assert line.kept == []
    assert line.workers.wakes == []
    assert line.log.lines[0]["rejected"] == code


def test_a_binary_frame_is_bad_input() -> None:
    line = MessageRouteHarness()

    (reply,) = line.send("AAAA", binary=True)

    assert reply["code"] == "not_text"
    assert line.kept == []


@pytest.mark.parametrize("gone", ["ended", "missing"])
def test_nothing_of_a_client_is_kept_once_its_session_is_over(gone: str) -> None:
    line = MessageRouteHarness()
    if gone == "ended":
        line.change_state(ended=True)
    else:
        line.tables.states.clear()

    line.send({"type": "audio", "seq": 2, "data": DATA})
    line.send({"type": "ack", "received": {"epoch": 1, "seq": 3}})

    assert line.kept == []


def test_a_connection_that_brings_nothing_but_errors_is_closed() -> None:
    line = MessageRouteHarness()
    for _ in range(MAX_REFUSALS - 1):
        assert [reply["code"] for reply in line.send("oops")] == ["not_json"]
    assert line.channel.gone == set()

    assert [reply["code"] for reply in line.send("oops")] == ["not_json", "too_many_errors"]
    assert line.channel.gone == {"connection-1"}


def test_messages_that_were_under_way_when_the_connection_closed_bring_no_second_reason() -> None:
    line = MessageRouteHarness()
    line.tables.refused_messages["connection-1"] = MAX_REFUSALS

    assert [reply["code"] for reply in line.send("oops")] == ["not_json"]
    assert line.channel.gone == set()


def test_a_connection_that_was_not_closed_is_closed_after_as_many_errors_again() -> None:
    line = MessageRouteHarness()
    line.tables.refused_messages["connection-1"] = 2 * MAX_REFUSALS - 1

    assert [reply["code"] for reply in line.send("oops")] == ["not_json", "too_many_errors"]
    assert line.channel.gone == {"connection-1"}


def test_good_messages_are_not_counted_and_neither_are_those_to_a_session_that_is_over() -> None:
    line = MessageRouteHarness()
    line.send({"type": "text", "seq": 1, "text": "hi"})
    line.change_state(ended=True)
    line.send({"type": "text", "seq": 2, "text": "hi"})

    assert line.tables.refused_messages == {}
