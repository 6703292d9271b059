"""A message while a table, the pool of workers or the way back to the client fails."""

import json
from dataclasses import replace

import pytest

from repartee.application.connections.client_answers import Trouble
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Numbered
from repartee.ports.metrics import Metric
from tests.unit.application.connections.message_route_harness import (
    CALLER,
    DATA,
    Mailbox,
    MessageRouteHarness,
)

pytestmark = pytest.mark.unit


def test_a_full_mailbox_asks_for_this_message_again() -> None:
    line = MessageRouteHarness()
    line.mailbox.fails = True

    replies = line.send({"type": "text", "seq": 8, "text": "hi"})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": 8}]
    assert line.workers.wakes == []
    assert line.log.lines[0]["troubles"] == ["mailbox_failed"]


def test_a_lost_ack_is_not_worth_a_word_to_the_client() -> None:
    line = MessageRouteHarness()
    line.mailbox.fails = True

    assert line.send({"type": "ack", "received": {"epoch": 1, "seq": 1}}) == []
    assert line.log.lines[0]["troubles"] == ["mailbox_failed"]


def test_a_kept_message_whose_session_cannot_be_read_is_not_asked_for_again() -> None:
    line = MessageRouteHarness()
    line.sessions.load_fails = True

    replies = line.send({"type": "text", "seq": 8, "text": "hi"})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": None}]
    assert len(line.kept) == 1


def test_hello_of_a_session_that_cannot_be_read_is_asked_for_again() -> None:
    line = MessageRouteHarness()
    line.sessions.load_fails = True

    replies = line.send({"type": "hello", "seq": 1, "protocol": 1})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": 1}]


def test_a_ping_that_cannot_be_answered_gets_busy() -> None:
    line = MessageRouteHarness()
    line.sessions.load_fails = True

    replies = line.send({"type": "ping", "owed": True})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": None}]


@pytest.mark.parametrize("broken", ["election", "pool"])
def test_a_wake_that_fails_sends_busy_to_the_client(broken: str) -> None:
    line = MessageRouteHarness()
    line.sessions.election_fails = broken == "election"
    line.workers.failing = broken == "pool"

    replies = line.send({"type": "text", "seq": 2, "text": "hi"})

    assert replies == [{"type": "busy", "retry_after_ms": 3_000, "seq": None}]
    assert len(line.kept) == 1
    assert [record["message"] for record in line.log.lines] == ["message not fully handled"]
    assert line.log.lines[0]["troubles"] == ["wake_failed"]
    assert line.metrics.by(Metric.TROUBLES) == ["wake_failed"]


def test_a_client_that_left_after_sending_is_no_error() -> None:
    line = MessageRouteHarness()
    line.channel.gone.add("connection-1")

    assert line.send({"type": "hello", "seq": 1, "protocol": 1}) == []

    assert len(line.kept) == 1
    assert len(line.workers.wakes) == 1
    assert [record["message"] for record in line.log.lines] == ["worker woken"]


@pytest.mark.parametrize("broken", ["slow", "failing"])
def test_a_reply_that_cannot_be_posted_is_logged_and_the_rest_is_done(broken: str) -> None:
    line = MessageRouteHarness()
    line.channel.slow = {"connection-1"} if broken == "slow" else set()
    line.channel.failing = broken == "failing"

    line.send({"type": "hello", "seq": 1, "protocol": 1})

    assert len(line.workers.wakes) == 1
    assert line.log.lines[0]["troubles"] == ["reply_failed"]


def test_the_log_never_holds_what_was_said() -> None:
    line = MessageRouteHarness()
    line.mailbox.fails = True

    line.send({"type": "text", "seq": 2, "text": "my secret"})
    line.send({"type": "text", "seq": 2, "text": "my secret", "extra": "my other secret"})
    line.send({"type": "audio", "seq": 3, "data": DATA})

    assert len(line.log.lines) == 3
    assert "secret" not in line.log.text
    assert DATA not in line.log.text


def test_a_message_that_cannot_be_retracted_is_reported() -> None:
    class Stuck(Mailbox):
        def retract_message(self, session_id: str, message: Numbered) -> None:
            raise StoreUnavailable("set to fail")

    line = MessageRouteHarness()
    line.tables.states.clear()
    router = replace(line.deps.router, mailbox=Stuck(line.tables))

    routed = router.route(CALLER, json.dumps({"type": "text", "seq": 2, "text": "hi"}))

    assert routed.rejected == "session_ended"
    assert routed.troubles == (Trouble.MAILBOX_FAILED,)


def test_an_error_that_cannot_be_counted_is_still_explained() -> None:
    line = MessageRouteHarness()
    line.connections.fails = True

    assert [reply["code"] for reply in line.send("oops")] == ["not_json"]
    assert line.log.lines[0]["troubles"] == ["count_failed"]
