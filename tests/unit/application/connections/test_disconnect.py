import copy
from dataclasses import replace

import pytest

from disconnect.handler import Deps, handle
from repartee.application.connections.close_connection import ConnectionCloser
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Detached, Notice, Notified, Unknown
from repartee.domain.session.state import ConnectionOpening
from tests.event_files import load_event
from tests.fakes.clock import NOON_MS
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.log import CapturedLog
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables

pytestmark = pytest.mark.unit

EVENT = load_event("disconnect.client_closed")
CONNECTION = EVENT["requestContext"]["connectionId"]
USER = EVENT["requestContext"]["authorizer"]["user_id"]
SESSION = EVENT["requestContext"]["authorizer"]["session_id"]


class UnavailableConnections(FakeConnectionStore):
    def close(self, connection_id: str) -> str | None:
        raise StoreUnavailable("set to fail")


class DeafMailbox(FakeMailbox):
    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        raise StoreUnavailable("set to fail")


class BrokenMailbox(FakeMailbox):
    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        raise RuntimeError("a fault nobody thought of")


class Exit:
    """A ``$disconnect`` on fakes with one open connection."""

    def __init__(self, session_id: str = SESSION) -> None:
        self.tables = FakeTables()
        self.mailbox = FakeMailbox(self.tables)
        self.log = CapturedLog()
        self.closer = ConnectionCloser(
            connections=FakeConnectionStore(self.tables),
            mailbox=self.mailbox,
            sessions=FakeSessionStore(self.tables),
            clock=self.tables.clock,
            grace_ms=30_000,
        )
        self.deps = Deps(self.closer, self.log.logger)
        FakeOpeningStore(self.tables).open(
            ConnectionOpening(
                connection_id=CONNECTION,
                user_id=USER,
                session_id=session_id,
                conversation_id="conversation-1",
                ticket_id="ticket-1",
                ticket_expires_at_ms=NOON_MS + 60_000,
                opened_at_ms=NOON_MS,
                max_sessions=3,
            )
        )

    def notices(self, session_id: str) -> list[Notice | Unknown]:
        entries = self.mailbox.read_after(session_id, 0)
        return [entry.notice for entry in entries if isinstance(entry, Notified)]


def test_the_session_gets_a_notice_and_the_connection_is_deleted() -> None:
    leaving = Exit()

    assert handle(EVENT, leaving.deps) == {"statusCode": 200}

    assert leaving.notices(SESSION) == [Detached(CONNECTION)]
    assert leaving.tables.connections == {}
    (line,) = leaving.log.lines
    assert line["message"] == "connection closed"
    assert line["close_code"] == 1000


def test_the_session_counts_against_its_users_cap_for_the_grace_only() -> None:
    leaving = Exit()
    handle(EVENT, leaving.deps)

    connections = leaving.closer.connections
    assert connections.active_sessions(USER, now_ms=NOON_MS + 29_999).keys() == {SESSION}
    assert not connections.active_sessions(USER, now_ms=NOON_MS + 30_000)


def test_the_table_takes_precedence_over_the_authorizer() -> None:
    leaving = Exit("session-in-table")

    handle(EVENT, leaving.deps)

    assert leaving.notices("session-in-table") == [Detached(CONNECTION)]
    assert leaving.notices(SESSION) == []


def test_a_connection_that_the_table_has_lost_is_known_by_the_authorizers_session() -> None:
    leaving = Exit()
    leaving.tables.connections.clear()

    assert handle(EVENT, leaving.deps) == {"statusCode": 200}

    assert leaving.notices(SESSION) == [Detached(CONNECTION)]


def test_a_failing_table_does_not_keep_the_session_from_hearing() -> None:
    leaving = Exit()
    deps = replace(
        leaving.deps,
        closer=replace(leaving.closer, connections=UnavailableConnections(leaving.tables)),
    )

    assert handle(EVENT, deps) == {"statusCode": 200}

    assert leaving.notices(SESSION) == [Detached(CONNECTION)]


@pytest.mark.parametrize("mailbox", [DeafMailbox, BrokenMailbox])
def test_nothing_that_fails_is_raised(mailbox: type[FakeMailbox]) -> None:
    leaving = Exit()
    deps = replace(leaving.deps, closer=replace(leaving.closer, mailbox=mailbox(leaving.tables)))

    assert handle(EVENT, deps) == {"statusCode": 200}

    (line,) = leaving.log.lines
    assert line["message"] == "session not told of its lost connection"
    assert line["session_id"] == EVENT["requestContext"]["authorizer"]["session_id"]


def test_an_event_without_an_authorizer_is_survived() -> None:
    event = copy.deepcopy(EVENT)
    del event["requestContext"]["authorizer"]

    assert handle(event, Exit().deps) == {"statusCode": 200}


def test_a_session_that_is_over_is_left_without_a_notice() -> None:
    leaving = Exit()
    leaving.tables.states.clear()

    assert handle(EVENT, leaving.deps) == {"statusCode": 200}

    assert leaving.notices(SESSION) == []
    assert leaving.tables.connections == {}
