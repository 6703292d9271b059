"""Some messages wake a worker, and others do not."""

import json
from dataclasses import replace
from typing import Any

import pytest

from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import (
    Audio,
    Bye,
    Message,
    Numbered,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.session.state import Connected, PendingCall, UndeliveredTurn, WakeElection
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.ports.workers import WakeRequest
from tests.fakes.clock import NOON_MS
from tests.unit.application.connections.message_route_harness import (
    CALLER,
    DATA,
    PCM,
    READY,
    Mailbox,
    MessageRouteHarness,
    Sessions,
)

pytestmark = pytest.mark.unit


UNREAD_INPUT: list[tuple[dict[str, Any], Message]] = [
    ({"type": "audio", "seq": 2, "data": DATA}, Audio(PCM)),
    ({"type": "speech_start", "seq": 2}, SpeechStart()),
    ({"type": "speech_end", "seq": 2}, SpeechEnd()),
    ({"type": "text", "seq": 2, "text": "hi"}, Text("hi")),
    ({"type": "bye", "seq": 2}, Bye()),
]


@pytest.mark.parametrize(("body", "message"), UNREAD_INPUT)
def test_input_is_kept_and_wakes_a_worker(body: dict[str, Any], message: Message) -> None:
    line = MessageRouteHarness()

    assert line.send(body) == []

    assert line.kept == [Numbered(2, message, "connection-1", NOON_MS)]
    assert line.workers.wakes == [
        WakeRequest("session-1", "user-1", "conversation-1", woken_at_ms=NOON_MS, hop=0)
    ]
    assert line.log.lines[0]["message"] == "worker woken"


@pytest.mark.parametrize(("body", "message"), UNREAD_INPUT)
def test_input_wakes_no_worker_while_one_holds_the_lease(
    body: dict[str, Any], message: Message
) -> None:
    line = MessageRouteHarness()
    line.serve()

    assert line.send(body) == []

    assert line.kept == [Numbered(2, message, "connection-1", NOON_MS)]
    assert line.workers.wakes == []
    assert line.log.lines == []


def test_hello_wakes_no_worker_where_prewarming_is_off() -> None:
    line = MessageRouteHarness(prewarm=False)

    assert line.send({"type": "hello", "seq": 1, "protocol": 1}) == [READY]
    assert line.workers.wakes == []

    line.send({"type": "speech_start", "seq": 2})
    assert len(line.workers.wakes) == 1


def test_many_messages_at_once_wake_one_worker() -> None:
    line = MessageRouteHarness()

    for seq in range(2, 12):
        assert line.send({"type": "audio", "seq": seq, "data": DATA}) == []

    assert len(line.workers.wakes) == 1
    assert len(line.kept) == 10


def test_a_wake_that_found_no_worker_is_repeated_after_3_s_and_the_client_hears_busy() -> None:
    line = MessageRouteHarness()
    line.send({"type": "text", "seq": 2, "text": "hi"})
    line.tables.clock.advance(3_000)

    replies = line.send({"type": "text", "seq": 3, "text": "anybody?"})

    assert replies == [{"type": "busy", "retry_after_ms": 3_000, "seq": None}]
    assert [wake.woken_at_ms for wake in line.workers.wakes] == [NOON_MS, NOON_MS + 3_000]
    assert line.log.lines[1]["troubles"] == ["wake_unserved"]


def test_an_expired_lease_is_no_lease() -> None:
    line = MessageRouteHarness()
    line.serve(5_000)
    line.tables.clock.advance(5_000)

    line.send({"type": "speech_start", "seq": 2})

    assert len(line.workers.wakes) == 1


@pytest.mark.parametrize(
    "body",
    [{"type": "ping", "owed": True}, {"type": "speech_start", "seq": 2}],
    ids=lambda body: str(body["type"]),
)
def test_a_waiting_client_wakes_a_worker_as_soon_as_the_lease_has_missed_renewals(
    body: dict[str, Any],
) -> None:
    line = MessageRouteHarness()
    line.serve(5_000)
    line.tables.clock.advance(2_999)
    line.send(body)
    assert line.workers.wakes == []

    line.tables.clock.advance(1)
    line.send({**body, "seq": 3} if "seq" in body else body)

    assert len(line.workers.wakes) == 1


def test_a_late_copy_of_consumed_input_wakes_no_worker() -> None:
    line = MessageRouteHarness()
    line.change_state(cursor=5)

    line.send({"type": "text", "seq": 5, "text": "hi"})
    assert line.workers.wakes == []

    line.send({"type": "text", "seq": 6, "text": "new"})
    assert len(line.workers.wakes) == 1


def test_a_ping_is_answered_and_a_silent_client_wakes_no_worker() -> None:
    line = MessageRouteHarness()

    assert line.send({"type": "ping"}) == [{"type": "pong", "served": False}]
    line.serve()
    assert line.send({"type": "ping"}) == [{"type": "pong", "served": True}]

    assert line.workers.wakes == []
    assert line.kept == []


OWED: list[dict[str, Any]] = [
    # Unread input, such as a text whose wake came to nothing.
    {"cursor": 1},
    # A worker died.
    {"owner": "worker-1", "lease_until_ms": NOON_MS - 1},
    {"pending_calls": (PendingCall(ToolCallKey(1, 1), "ask_core_agent", "{}", "hash"),)},
    {"epoch": 2, "undelivered": (UndeliveredTurn(1, OutputPosition(2, 9)),)},
    # A hello without prewarming.
    {"newest_hello": Connected(NOON_MS, "connection-1")},
]


@pytest.mark.parametrize("changes", OWED, ids=lambda changes: next(iter(changes)))
def test_a_client_that_waits_for_an_answer_wakes_with_its_ping(changes: dict[str, Any]) -> None:
    line = MessageRouteHarness()
    text = Numbered(2, Text("hi"), "connection-1", NOON_MS)
    line.mailbox.append("session-1", text)
    line.change_state(**{"cursor": 2, **changes})

    assert line.send({"type": "ping", "owed": True}) == [{"type": "pong", "served": False}]
    assert len(line.workers.wakes) == 1


SETTLED: list[dict[str, Any]] = [
    {},
    {"newest_hello": Connected(NOON_MS, "connection-1"), "connection_id": "connection-1"},
    # A later worker has looked at it.
    {"epoch": 3, "undelivered": (UndeliveredTurn(1, OutputPosition(2, 9)),)},
]


@pytest.mark.parametrize("changes", SETTLED)
def test_a_ping_of_a_client_that_is_owed_nothing_wakes_no_worker(changes: dict[str, Any]) -> None:
    line = MessageRouteHarness()
    line.change_state(cursor=2, **changes)
    line.mailbox.append("session-1", Numbered(2, Text("hi"), "connection-1", NOON_MS))

    for _ in range(10):
        assert line.send({"type": "ping", "owed": True}) == [{"type": "pong", "served": False}]
        line.tables.clock.advance(1_000)
    assert line.workers.wakes == []


def test_an_owed_ping_wakes_a_worker_where_the_session_cannot_be_read() -> None:
    class Silent(Mailbox):
        def highest_seq(self, session_id: str, *, up_to: int) -> int:
            raise StoreUnavailable("set to fail")

    line = MessageRouteHarness()
    router = replace(line.deps.router, mailbox=Silent(line.tables))

    assert router.route(CALLER, '{"type":"ping","owed":true}').woke


def test_an_owed_ping_of_a_served_session_wakes_no_worker() -> None:
    line = MessageRouteHarness()
    line.serve()

    assert line.send({"type": "ping", "owed": True}) == [{"type": "pong", "served": True}]
    assert line.workers.wakes == []


def test_a_wake_is_not_left_behind_for_a_session_that_was_erased_meanwhile() -> None:
    class Erasing(Sessions):
        def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
            self._tables.states.clear()
            return super().elect_waker(session_id, now_ms)

    line = MessageRouteHarness()
    router = replace(line.deps.router, sessions=Erasing(line.tables))

    router.route(CALLER, json.dumps({"type": "text", "seq": 2, "text": "hi"}))

    assert line.tables.wakes == {}
