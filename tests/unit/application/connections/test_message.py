"""A message of a client is kept and answered."""

import json
from dataclasses import replace
from typing import Any

import pytest

from message.handler import handle
from repartee.domain.protocol.messages import (
    Acknowledged,
    Hello,
    Notified,
    Numbered,
    OutputPosition,
    Text,
)
from repartee.domain.session.state import SessionState
from repartee.ports.workers import WakeRequest
from tests.event_files import load_event
from tests.fakes.clock import NOON_MS
from tests.fakes.worker_pool import FakeWorkerPool
from tests.unit.application.connections.message_route_harness import (
    DATA,
    READY,
    MessageRouteHarness,
)

pytestmark = pytest.mark.unit


def test_hello_is_answered_with_ready_and_wakes() -> None:
    line = MessageRouteHarness()

    assert line.send({"type": "hello", "seq": 1, "protocol": 1}) == [READY]

    assert line.kept == [Numbered(1, Hello(connected_at_ms=NOON_MS), "connection-1", NOON_MS)]
    assert len(line.workers.wakes) == 1


def test_ready_goes_out_before_a_worker_is_asked_for() -> None:
    line = MessageRouteHarness()
    posts_at_wake: list[int] = []

    class Watching(FakeWorkerPool):
        def wake(self, request: WakeRequest) -> None:
            posts_at_wake.append(len(line.channel.posts["connection-1"]))

    line.deps = replace(line.deps, router=replace(line.deps.router, workers=Watching()))

    line.send({"type": "hello", "seq": 1, "protocol": 1})

    assert posts_at_wake == [1]


def test_hello_of_a_served_session_is_ready_too() -> None:
    line = MessageRouteHarness()
    line.serve()
    position = {"epoch": 1, "seq": 7}

    replies = line.send({"type": "hello", "seq": 9, "protocol": 1, "resume_from": position})

    assert replies == [READY | {"next_seq": 10, "output_kept": True}]
    hello = Hello(OutputPosition(1, 7), connected_at_ms=NOON_MS)
    assert line.kept == [Numbered(9, hello, "connection-1", NOON_MS)]
    assert line.workers.wakes == []


def test_a_message_sent_twice_is_kept_once() -> None:
    line = MessageRouteHarness()
    line.send({"type": "text", "seq": 2, "text": "hi"})
    line.tables.clock.advance(10)

    assert line.send({"type": "text", "seq": 2, "text": "hi"}) == []
    assert line.kept == [Numbered(2, Text("hi"), "connection-1", NOON_MS)]


def test_an_ack_is_kept_and_wakes_no_worker() -> None:
    line = MessageRouteHarness()
    line.change_state(epoch=2)
    received = {"epoch": 2, "seq": 40}

    replies = line.send({"type": "ack", "received": received, "turn": 3, "played_ms": 900})

    assert replies == []
    (entry,) = line.kept
    assert isinstance(entry, Notified)
    assert entry.notice == Acknowledged(OutputPosition(2, 40), 3, 900)
    assert line.workers.wakes == []


@pytest.mark.parametrize("played", [{}, {"played_ms": None}])
def test_an_ack_without_a_played_time_does_not_mean_that_nothing_was_played(
    played: dict[str, None],
) -> None:
    line = MessageRouteHarness()
    line.change_state(epoch=2)
    line.send({"type": "ack", "received": {"epoch": 2, "seq": 40}, "turn": 3, **played})

    (entry,) = line.kept
    assert isinstance(entry, Notified)
    assert entry.notice == Acknowledged(OutputPosition(2, 40), 3, None)


@pytest.mark.parametrize(
    ("name", "reply_types"),
    [
        ("hello", ["ready"]),
        ("audio", []),
        ("ack", []),
        ("ping", ["pong"]),
        ("bad_json", ["error"]),
    ],
)
def test_each_event_file_is_handled_as_its_name_says(name: str, reply_types: list[str]) -> None:
    line = MessageRouteHarness()
    event = load_event(f"message.{name}")
    context = event["requestContext"]
    session_id = context["authorizer"]["session_id"]
    line.tables.states[session_id] = SessionState(session_id, "user-1", "conversation-1", None)

    assert handle(event, line.deps) == {"statusCode": 200}

    frames = [json.loads(frame) for frame in line.channel.posts[context["connectionId"]]]
    assert [frame["type"] for frame in frames] == reply_types


QUARTER_HOUR_S = 900


@pytest.mark.parametrize(
    "body",
    [
        {"type": "ping"},
        {"type": "hello", "seq": 9, "protocol": 1},
        {"type": "text", "seq": 9, "text": "hi"},
        {"type": "audio", "seq": 50, "data": DATA},
    ],
    ids=lambda body: str(body["type"]),
)
def test_in_its_last_quarter_of_an_hour_a_connection_gets_reconnect_soon(
    body: dict[str, Any],
) -> None:
    line = MessageRouteHarness(prewarm=False)
    line.serve(10**9)
    line.age_ms = (7_200 - QUARTER_HOUR_S) * 1_000 - 1
    assert "reconnect_soon" not in [reply["type"] for reply in line.send(body)]

    line.tables.clock.advance(1)
    line.age_ms += 1

    advice = {"type": "reconnect_soon", "within_s": QUARTER_HOUR_S}
    assert line.send({**body, "seq": 100} if "seq" in body else body)[-1] == advice


@pytest.mark.parametrize(
    "body",
    [
        {"type": "ack", "received": {"epoch": 1, "seq": 1}},
        {"type": "audio", "seq": 51, "data": DATA},
    ],
    ids=lambda body: str(body["type"]),
)
def test_frequent_messages_are_not_answered_with_reconnect_soon(
    body: dict[str, Any],
) -> None:
    line = MessageRouteHarness()
    line.age_ms = 7_190_000

    assert line.send(body) == []


def test_a_connection_of_an_impossible_age_gets_no_reconnect_advice() -> None:
    line = MessageRouteHarness()
    line.age_ms = 7_200_000

    assert line.send({"type": "ping"}) == [{"type": "pong", "served": False}]
