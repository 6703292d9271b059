import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from message.handler import Deps, handle
from repartee.application.route_message import MAX_REFUSALS, MessageRouter, Trouble
from repartee.domain.caller import Caller
from repartee.domain.errors import StoreUnavailable
from repartee.domain.messages import (
    Acknowledged,
    Audio,
    Bye,
    Hello,
    MailboxEntry,
    Message,
    Notice,
    Notified,
    Numbered,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Text,
)
from repartee.domain.session_state import ConnectionOpening, SessionState, WakeElection
from repartee.domain.wire import MAX_AUDIO_BYTES
from repartee.ports.worker import WakeRequest
from tests.event_files import load_event
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.log import CapturedLog
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables
from tests.fakes.worker_pool import FakeWorkerPool

pytestmark = pytest.mark.unit

CALLER = Caller("connection-1", "user-1", "session-1", "conversation-1", NOON_MS)
OPENING = ConnectionOpening(
    "connection-1", "user-1", "session-1", "conversation-1", "ticket-1", NOON_MS, NOON_MS, 3
)
PCM = bytes(range(200)) * 2
DATA = base64.b64encode(PCM).decode()
READY = {
    "type": "ready",
    "session_id": "session-1",
    "conversation_id": "conversation-1",
    "chunk_ms": 200,
    "grace_s": 30,
    "max_in_flight": 25,
    "max_audio_bytes": 16_000,
    "max_text_characters": 4_000,
    "input_rate_hz": 16_000,
    "output_rate_hz": 24_000,
    "protocol": 1,
}


class Sessions(FakeSessionStore):
    """Can be told to fail."""

    def __init__(self, tables: FakeTables) -> None:
        super().__init__(tables)
        self.load_fails = False
        self.election_fails = False

    def load(self, session_id: str) -> SessionState | None:
        if self.load_fails:
            raise StoreUnavailable("told to fail")
        return super().load(session_id)

    def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
        if self.election_fails:
            raise StoreUnavailable("told to fail")
        return super().elect_waker(session_id, now_ms)


class Mailbox(FakeMailbox):
    """Can be told to fail."""

    fails = False

    def append(self, session_id: str, message: Numbered) -> bool:
        if self.fails:
            raise StoreUnavailable("told to fail")
        return super().append(session_id, message)

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        if self.fails:
            raise StoreUnavailable("told to fail")
        return super().notify(session_id, notice, now_ms=now_ms)


class Connections(FakeConnectionStore):
    """Can be told to fail."""

    fails = False

    def count_refusal(self, connection_id: str) -> int:
        if self.fails:
            raise StoreUnavailable("told to fail")
        return super().count_refusal(connection_id)


class Line:
    """A ``$default`` route on fakes, with one connected client."""

    def __init__(self, *, prewarm: bool = True) -> None:
        self.tables = FakeTables()
        self.tables.states["session-1"] = SessionState(
            "session-1", "user-1", "conversation-1", None
        )
        self.sessions = Sessions(self.tables)
        self.mailbox = Mailbox(self.tables)
        self.connections = Connections(self.tables)
        self.tables.connections["connection-1"] = OPENING
        self.age_ms = 0
        self.channel = FakeClientChannel()
        self.workers = FakeWorkerPool()
        self.log = CapturedLog()
        router = MessageRouter(
            mailbox=self.mailbox,
            sessions=self.sessions,
            connections=self.connections,
            channel=self.channel,
            workers=self.workers,
            clock=self.tables.clock,
            chunk_ms=200,
            grace_s=30,
            prewarm=prewarm,
        )
        self.deps = Deps(router, self.log.logger)

    def send(self, body: Any, *, binary: bool = False) -> list[dict[str, Any]]:
        """Send one message; return what the client was sent because of it."""
        event = load_event("message.hello")
        event["requestContext"]["connectionId"] = "connection-1"
        event["requestContext"]["connectedAt"] = self.tables.clock.now_ms() - self.age_ms
        event["requestContext"]["authorizer"] |= {
            "user_id": "user-1",
            "session_id": "session-1",
            "conversation_id": "conversation-1",
        }
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["isBase64Encoded"] = binary
        before = len(self.channel.posts["connection-1"])
        assert handle(event, self.deps) == {"statusCode": 200}
        return [json.loads(frame) for frame in self.channel.posts["connection-1"][before:]]

    def serve(self, duration_ms: int = 5_000) -> None:
        """Let a worker take the session's lease."""
        now_ms = self.tables.clock.now_ms()
        taken = self.sessions.acquire_lease(
            "session-1", owner="worker-1", now_ms=now_ms, until_ms=now_ms + duration_ms
        )
        assert taken is not None

    def change_state(self, **changes: Any) -> None:
        self.tables.states["session-1"] = replace(self.tables.states["session-1"], **changes)

    @property
    def kept(self) -> list[MailboxEntry]:
        return list(self.mailbox.read_after("session-1", 0))


UNREAD_INPUT: list[tuple[dict[str, Any], Message]] = [
    ({"type": "audio", "seq": 2, "data": DATA}, Audio(PCM)),
    ({"type": "speech_start", "seq": 2}, SpeechStart()),
    ({"type": "speech_end", "seq": 2}, SpeechEnd()),
    ({"type": "text", "seq": 2, "text": "hi"}, Text("hi")),
    ({"type": "bye", "seq": 2}, Bye()),
]


@pytest.mark.parametrize(("body", "message"), UNREAD_INPUT)
def test_input_is_kept_and_wakes_a_worker(body: dict[str, Any], message: Message) -> None:
    line = Line()

    assert line.send(body) == []

    assert line.kept == [Numbered(2, message, "connection-1", NOON_MS)]
    assert line.workers.wakes == [
        WakeRequest("session-1", "user-1", "conversation-1", woken_at_ms=NOON_MS, hop=0)
    ]
    assert line.log.lines[0]["message"] == "worker woken"


@pytest.mark.parametrize(("body", "message"), UNREAD_INPUT)
def test_input_wakes_nobody_while_a_worker_holds_the_lease(
    body: dict[str, Any], message: Message
) -> None:
    line = Line()
    line.serve()

    assert line.send(body) == []

    assert line.kept == [Numbered(2, message, "connection-1", NOON_MS)]
    assert line.workers.wakes == []
    assert line.log.lines == []


def test_hello_is_answered_with_ready_and_wakes() -> None:
    line = Line()

    assert line.send({"type": "hello", "seq": 1, "protocol": 1}) == [READY]

    assert line.kept == [Numbered(1, Hello(), "connection-1", NOON_MS)]
    assert len(line.workers.wakes) == 1


def test_ready_goes_out_before_a_worker_is_asked_for() -> None:
    line = Line()
    posts_at_wake: list[int] = []

    class Watching(FakeWorkerPool):
        def wake(self, request: WakeRequest) -> None:
            posts_at_wake.append(len(line.channel.posts["connection-1"]))

    line.deps = replace(line.deps, router=replace(line.deps.router, workers=Watching()))

    line.send({"type": "hello", "seq": 1, "protocol": 1})

    assert posts_at_wake == [1]


def test_hello_wakes_nobody_where_prewarming_is_off() -> None:
    line = Line(prewarm=False)

    assert line.send({"type": "hello", "seq": 1, "protocol": 1}) == [READY]
    assert line.workers.wakes == []

    line.send({"type": "speech_start", "seq": 2})
    assert len(line.workers.wakes) == 1


def test_hello_of_a_served_session_is_ready_too() -> None:
    line = Line()
    line.serve()
    position = {"epoch": 1, "seq": 7}

    replies = line.send({"type": "hello", "seq": 9, "protocol": 1, "resume_from": position})

    assert replies == [READY]
    assert line.kept == [Numbered(9, Hello(OutputPosition(1, 7)), "connection-1", NOON_MS)]
    assert line.workers.wakes == []


def test_many_messages_at_once_wake_one_worker() -> None:
    line = Line()

    for seq in range(2, 12):
        assert line.send({"type": "audio", "seq": seq, "data": DATA}) == []

    assert len(line.workers.wakes) == 1
    assert len(line.kept) == 10


def test_a_wake_that_found_no_worker_is_repeated_after_3_s_and_the_client_hears_busy() -> None:
    line = Line()
    line.send({"type": "text", "seq": 2, "text": "hi"})
    line.tables.clock.advance(3_000)

    replies = line.send({"type": "text", "seq": 3, "text": "anybody?"})

    assert replies == [{"type": "busy", "retry_after_ms": 3_000, "seq": None}]
    assert [wake.woken_at_ms for wake in line.workers.wakes] == [NOON_MS, NOON_MS + 3_000]
    assert line.log.lines[1]["troubles"] == ["wake_unserved"]


def test_an_expired_lease_is_no_lease() -> None:
    line = Line()
    line.serve(5_000)
    line.tables.clock.advance(5_000)

    line.send({"type": "speech_start", "seq": 2})

    assert len(line.workers.wakes) == 1


@pytest.mark.parametrize(
    "body",
    [{"type": "ping", "owed": True}, {"type": "speech_start", "seq": 2}],
    ids=lambda body: str(body["type"]),
)
def test_who_waits_wakes_as_soon_as_the_lease_has_missed_renewals(body: dict[str, Any]) -> None:
    line = Line()
    line.serve(5_000)
    line.tables.clock.advance(2_999)
    line.send(body)
    assert line.workers.wakes == []

    line.tables.clock.advance(1)
    line.send({**body, "seq": 3} if "seq" in body else body)

    assert len(line.workers.wakes) == 1


def test_a_message_sent_twice_is_kept_once() -> None:
    line = Line()
    line.send({"type": "text", "seq": 2, "text": "hi"})
    line.tables.clock.advance(10)

    assert line.send({"type": "text", "seq": 2, "text": "hi"}) == []
    assert line.kept == [Numbered(2, Text("hi"), "connection-1", NOON_MS)]


def test_a_late_copy_of_consumed_input_wakes_nobody() -> None:
    line = Line()
    line.change_state(cursor=5)

    line.send({"type": "text", "seq": 5, "text": "hi"})
    assert line.workers.wakes == []

    line.send({"type": "text", "seq": 6, "text": "new"})
    assert len(line.workers.wakes) == 1


def test_an_ack_is_noted_and_wakes_nobody() -> None:
    line = Line()
    received = {"epoch": 2, "seq": 40}

    replies = line.send({"type": "ack", "received": received, "turn": 3, "played_ms": 900})

    assert replies == []
    (entry,) = line.kept
    assert isinstance(entry, Notified)
    assert entry.notice == Acknowledged(OutputPosition(2, 40), 3, 900)
    assert line.workers.wakes == []


def test_a_ping_is_answered_and_a_silent_client_wakes_nobody() -> None:
    line = Line()

    assert line.send({"type": "ping"}) == [{"type": "pong", "served": False}]
    line.serve()
    assert line.send({"type": "ping"}) == [{"type": "pong", "served": True}]

    assert line.workers.wakes == []
    assert line.kept == []


def test_a_client_that_waits_for_an_answer_wakes_with_its_ping() -> None:
    line = Line()

    assert line.send({"type": "ping", "owed": True}) == [{"type": "pong", "served": False}]
    assert len(line.workers.wakes) == 1


def test_an_owed_ping_of_a_served_session_wakes_nobody() -> None:
    line = Line()
    line.serve()

    assert line.send({"type": "ping", "owed": True}) == [{"type": "pong", "served": True}]
    assert line.workers.wakes == []


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
    line = Line()
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
    line = Line()

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
    line = Line()

    (reply,) = line.send("AAAA", binary=True)

    assert reply["code"] == "not_text"
    assert line.kept == []


def test_a_full_mailbox_asks_for_this_message_again() -> None:
    line = Line()
    line.mailbox.fails = True

    replies = line.send({"type": "text", "seq": 8, "text": "hi"})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": 8}]
    assert line.workers.wakes == []
    assert line.log.lines[0]["troubles"] == ["mailbox_failed"]


def test_a_lost_ack_is_not_worth_a_word_to_the_client() -> None:
    line = Line()
    line.mailbox.fails = True

    assert line.send({"type": "ack", "received": {"epoch": 1, "seq": 1}}) == []
    assert line.log.lines[0]["troubles"] == ["mailbox_failed"]


def test_a_kept_message_whose_session_cannot_be_read_is_not_asked_for_again() -> None:
    line = Line()
    line.sessions.load_fails = True

    replies = line.send({"type": "text", "seq": 8, "text": "hi"})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": None}]
    assert len(line.kept) == 1


def test_hello_is_answered_even_when_the_session_cannot_be_read() -> None:
    line = Line()
    line.sessions.load_fails = True

    replies = line.send({"type": "hello", "seq": 1, "protocol": 1})

    assert replies == [READY, {"type": "busy", "retry_after_ms": 1_000, "seq": None}]


def test_a_ping_that_cannot_be_answered_is_told_to_wait() -> None:
    line = Line()
    line.sessions.load_fails = True

    replies = line.send({"type": "ping", "owed": True})

    assert replies == [{"type": "busy", "retry_after_ms": 1_000, "seq": None}]


@pytest.mark.parametrize("broken", ["election", "pool"])
def test_a_wake_that_cannot_be_made_tells_the_client_to_wait(broken: str) -> None:
    line = Line()
    line.sessions.election_fails = broken == "election"
    line.workers.failing = broken == "pool"

    replies = line.send({"type": "text", "seq": 2, "text": "hi"})

    assert replies == [{"type": "busy", "retry_after_ms": 3_000, "seq": None}]
    assert len(line.kept) == 1
    assert [record["message"] for record in line.log.lines] == ["message not fully handled"]
    assert line.log.lines[0]["troubles"] == ["wake_failed"]


def test_a_client_that_left_after_sending_is_no_error() -> None:
    line = Line()
    line.channel.gone.add("connection-1")

    assert line.send({"type": "hello", "seq": 1, "protocol": 1}) == []

    assert len(line.kept) == 1
    assert len(line.workers.wakes) == 1
    assert [record["message"] for record in line.log.lines] == ["worker woken"]


@pytest.mark.parametrize("broken", ["slow", "failing"])
def test_a_reply_that_cannot_be_posted_is_logged_and_the_rest_is_done(broken: str) -> None:
    line = Line()
    line.channel.slow = {"connection-1"} if broken == "slow" else set()
    line.channel.failing = broken == "failing"

    line.send({"type": "hello", "seq": 1, "protocol": 1})

    assert len(line.workers.wakes) == 1
    assert line.log.lines[0]["troubles"] == ["reply_failed"]


def test_the_log_never_holds_what_was_said() -> None:
    line = Line()
    line.mailbox.fails = True

    line.send({"type": "text", "seq": 2, "text": "my secret"})
    line.send({"type": "text", "seq": 2, "text": "my secret", "extra": "my other secret"})
    line.send({"type": "audio", "seq": 3, "data": DATA})

    assert len(line.log.lines) == 3
    assert "secret" not in line.log.text
    assert DATA not in line.log.text


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
    line = Line()
    event = load_event(f"message.{name}")
    context = event["requestContext"]
    session_id = context["authorizer"]["session_id"]
    line.tables.states[session_id] = SessionState(session_id, "user-1", "conversation-1", None)

    assert handle(event, line.deps) == {"statusCode": 200}

    frames = [json.loads(frame) for frame in line.channel.posts[context["connectionId"]]]
    assert [frame["type"] for frame in frames] == reply_types


@pytest.mark.parametrize("gone", ["ended", "missing"])
def test_nothing_of_a_client_is_kept_once_its_session_is_over(gone: str) -> None:
    line = Line()
    if gone == "ended":
        line.change_state(ended=True)
    else:
        line.tables.states.clear()

    line.send({"type": "audio", "seq": 2, "data": DATA})
    line.send({"type": "ack", "received": {"epoch": 1, "seq": 3}})

    assert line.kept == []


def test_what_cannot_be_taken_back_is_reported() -> None:
    class Stuck(Mailbox):
        def delete(self, session_id: str, seqs: Any, notice_ids: Any) -> None:
            raise StoreUnavailable("told to fail")

    line = Line()
    line.tables.states.clear()
    router = replace(line.deps.router, mailbox=Stuck(line.tables))

    routed = router.route(CALLER, json.dumps({"type": "text", "seq": 2, "text": "hi"}))

    assert routed.rejected == "session_ended"
    assert routed.troubles == (Trouble.MAILBOX_FAILED,)


def test_a_wake_is_not_left_behind_for_a_session_that_was_erased_meanwhile() -> None:
    class Erasing(Sessions):
        def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
            self._tables.states.clear()
            return super().elect_waker(session_id, now_ms)

    line = Line()
    router = replace(line.deps.router, sessions=Erasing(line.tables))

    router.route(CALLER, json.dumps({"type": "text", "seq": 2, "text": "hi"}))

    assert line.tables.wakes == {}


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
def test_in_the_last_quarter_of_an_hour_of_a_connection_its_client_is_told(
    body: dict[str, Any],
) -> None:
    line = Line(prewarm=False)
    line.age_ms = (7_200 - QUARTER_HOUR_S) * 1_000 - 1
    assert "reconnect_soon" not in [reply["type"] for reply in line.send(body)]

    line.age_ms += 1

    told = {"type": "reconnect_soon", "within_s": QUARTER_HOUR_S}
    assert line.send({**body, "seq": 100} if "seq" in body else body)[-1] == told


@pytest.mark.parametrize(
    "body",
    [
        {"type": "ack", "received": {"epoch": 1, "seq": 1}},
        {"type": "audio", "seq": 51, "data": DATA},
    ],
    ids=lambda body: str(body["type"]),
)
def test_what_a_client_sends_all_the_time_is_not_answered_with_its_connections_age(
    body: dict[str, Any],
) -> None:
    line = Line()
    line.age_ms = 7_190_000

    assert line.send(body) == []


def test_a_connection_older_than_any_is_told_nothing_of_its_age() -> None:
    line = Line()
    line.age_ms = 7_200_000

    assert line.send({"type": "ping"}) == [{"type": "pong", "served": False}]


def test_a_connection_that_brings_nothing_but_errors_is_closed() -> None:
    line = Line()
    for _ in range(MAX_REFUSALS - 1):
        assert [reply["code"] for reply in line.send("oops")] == ["not_json"]
    assert line.channel.gone == set()

    assert [reply["code"] for reply in line.send("oops")] == ["not_json", "too_many_errors"]
    assert line.channel.gone == {"connection-1"}


def test_good_messages_are_not_counted_and_neither_are_those_to_a_session_that_is_over() -> None:
    line = Line()
    line.send({"type": "text", "seq": 1, "text": "hi"})
    line.change_state(ended=True)
    line.send({"type": "text", "seq": 2, "text": "hi"})

    assert line.tables.refused_messages == {}


def test_an_error_that_cannot_be_counted_is_still_explained() -> None:
    line = Line()
    line.connections.fails = True

    assert [reply["code"] for reply in line.send("oops")] == ["not_json"]
    assert line.log.lines[0]["troubles"] == ["count_failed"]
