"""The ``$default`` route on fakes, with one client on the line."""

import base64
import json
from dataclasses import replace
from typing import Any

from message.handler import Deps, handle
from repartee.adapters.wire.parsing import parse
from repartee.application.connections.route_message import MessageRouter
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import MailboxEntry, Notice, Numbered
from repartee.domain.protocol.ticket import ConnectionIdentity
from repartee.domain.session.state import ConnectionOpening, SessionState, WakeElection
from repartee.ports.sessions import Appended
from tests.event_files import load_event
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.log import CapturedLog
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.metrics import FakeMetrics
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables
from tests.fakes.worker_pool import FakeWorkerPool

CALLER = ConnectionIdentity("connection-1", "user-1", "session-1", "conversation-1", NOON_MS)


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
    "features": ["marks_speech", "stop", "speech_heard"],
    "next_seq": 2,
    "output_kept": False,
}


class Sessions(FakeSessionStore):
    """Fails on demand."""

    def __init__(self, tables: FakeTables) -> None:
        super().__init__(tables)
        self.load_fails = False
        self.election_fails = False

    def load(self, session_id: str) -> SessionState | None:
        if self.load_fails:
            raise StoreUnavailable("set to fail")
        return super().load(session_id)

    def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
        if self.election_fails:
            raise StoreUnavailable("set to fail")
        return super().elect_waker(session_id, now_ms)


class Mailbox(FakeMailbox):
    """Fails on demand."""

    fails = False

    def append(self, session_id: str, message: Numbered) -> Appended:
        if self.fails:
            raise StoreUnavailable("set to fail")
        return super().append(session_id, message)

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        if self.fails:
            raise StoreUnavailable("set to fail")
        return super().notify(session_id, notice, now_ms=now_ms)


class Connections(FakeConnectionStore):
    """Fails on demand."""

    fails = False

    def count_refusal(self, connection_id: str) -> int:
        if self.fails:
            raise StoreUnavailable("set to fail")
        return super().count_refusal(connection_id)


class MessageRouteHarness:
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
            parse=parse,
            channel=self.channel,
            workers=self.workers,
            clock=self.tables.clock,
            chunk_ms=200,
            max_in_flight=25,
            grace_s=30,
            prewarm=prewarm,
        )
        self.metrics = FakeMetrics()
        self.deps = Deps(router, self.log.logger, self.metrics)

    def send(
        self,
        body: Any,
        *,
        binary: bool = False,
        connection: str = "connection-1",
        connected_at_ms: int | None = None,
    ) -> list[dict[str, Any]]:
        """Send one message; return the client's answers to it."""
        event = load_event("message.hello")
        if connected_at_ms is None:
            connected_at_ms = self.tables.clock.now_ms() - self.age_ms
        event["requestContext"]["connectionId"] = connection
        event["requestContext"]["connectedAt"] = connected_at_ms
        event["requestContext"]["authorizer"] |= {
            "user_id": "user-1",
            "session_id": "session-1",
            "conversation_id": "conversation-1",
        }
        event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["isBase64Encoded"] = binary
        before = len(self.channel.posts[connection])
        assert handle(event, self.deps) == {"statusCode": 200}
        return [json.loads(frame) for frame in self.channel.posts[connection][before:]]

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
