import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from connect.handler import Deps, handle
from repartee.application.connections.open_connection import ConnectionOpener
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.messages import Notice, Notified, Superseded
from repartee.domain.session.state import Connected, ConnectionOpening, OpenedConnection
from repartee.domain.users.preferences import Profile
from repartee.ports.metrics import Metric
from tests.event_files import load_event
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS
from tests.fakes.log import CapturedLog
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.metrics import FakeMetrics
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.service import FakeCallSwitch
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables

pytestmark = pytest.mark.unit

EVENT = load_event("connect.new_session")


class UnavailableOpenings(FakeOpeningStore):
    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        raise StoreUnavailable("set to fail")


class DeafMailbox(FakeMailbox):
    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        raise StoreUnavailable("set to fail")


class Door:
    """A ``$connect`` on fakes, and events for it."""

    def __init__(self) -> None:
        self.tables = FakeTables()
        self.mailbox = FakeMailbox(self.tables)
        self.log = CapturedLog()
        self.channel = FakeClientChannel()
        self.switch = FakeCallSwitch()
        opener = ConnectionOpener(
            openings=FakeOpeningStore(self.tables),
            mailbox=self.mailbox,
            sessions=FakeSessionStore(self.tables),
            channel=lambda: self.channel,
            switch=self.switch,
        )
        self.metrics = FakeMetrics()
        self.deps = Deps(opener, self.tables.clock, 2, 3, self.log.logger, self.metrics)

    def replace_port(self, **port: Any) -> None:
        self.deps = replace(self.deps, opener=replace(self.deps.opener, **port))

    def knock(
        self,
        ticket: str = "ticket-1",
        *,
        session: str = "session-1",
        conversation: str = "conversation-1",
        connection: str = "connection-1",
        user: str = "user-1",
        protocols: str | None = None,
    ) -> dict[str, Any]:
        event = copy.deepcopy(EVENT)
        event["requestContext"]["connectionId"] = connection
        event["requestContext"]["authorizer"] |= {
            "user_id": user,
            "session_id": session,
            "conversation_id": conversation,
            "ticket_id": ticket,
            "ticket_expires_at_ms": str(NOON_MS + 60_000),
        }
        event["headers"]["Sec-WebSocket-Protocol"] = protocols or ""
        event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = [protocols] if protocols else []
        return handle(event, self.deps)

    @property
    def refusals(self) -> list[str]:
        return [line["reason"] for line in self.log.lines if "reason" in line]


def test_a_first_connection_opens_its_session_with_the_authorizers_ids() -> None:
    door = Door()

    assert door.knock() == {"statusCode": 200}

    assert door.tables.connections["connection-1"] == ConnectionOpening(
        connection_id="connection-1",
        user_id="user-1",
        session_id="session-1",
        conversation_id="conversation-1",
        ticket_id="ticket-1",
        ticket_expires_at_ms=NOON_MS + 60_000,
        opened_at_ms=NOON_MS,
        max_sessions=2,
    )
    assert door.log.lines[0]["message"] == "connection opened"
    assert door.log.lines[0]["is_new_session"] is True


def test_no_connection_opens_while_calls_are_stopped() -> None:
    door = Door()
    door.switch.stopped = True

    assert door.knock() == {"statusCode": 503}

    assert door.refusals == ["calls_stopped"]
    assert not door.tables.connections
    door.switch.stopped = False
    assert door.knock() == {"statusCode": 200}


def test_a_second_connection_comes_back_to_the_same_session() -> None:
    door = Door()
    door.knock()

    assert door.knock("ticket-2", connection="connection-2")["statusCode"] == 200
    assert door.log.lines[1]["is_new_session"] is False


def test_a_ticket_is_spent_once() -> None:
    door = Door()
    door.knock()

    assert door.knock(connection="connection-2") == {"statusCode": 403}
    assert door.refusals == ["ticket_spent"]
    assert "connection-2" not in door.tables.connections


def test_one_session_too_many_is_refused() -> None:
    door = Door()
    for number in (1, 2):
        door.knock(f"ticket-{number}", session=f"session-{number}", conversation=f"c-{number}")

    assert door.knock("ticket-3", session="session-3", conversation="c-3") == {"statusCode": 429}
    assert door.refusals == ["too_many_sessions"]


def test_an_ended_session_cannot_be_come_back_to() -> None:
    door = Door()
    door.knock()
    state = door.tables.states["session-1"]
    door.tables.states["session-1"] = replace(state, ended=True)

    assert door.knock("ticket-2", connection="connection-2") == {"statusCode": 409}
    assert door.refusals == ["session_ended"]


def test_an_erased_user_is_refused() -> None:
    door = Door()
    door.tables.profiles["user-1"] = Profile("user-1", erased_at_ms=NOON_MS)

    assert door.knock() == {"statusCode": 403}
    assert door.refusals == ["user_erased"]


def test_another_users_session_is_refused() -> None:
    door = Door()
    door.knock()

    assert door.knock("ticket-2", user="user-2", connection="connection-2") == {"statusCode": 403}
    assert door.refusals == ["session_of_another_user"]


def test_the_replaced_session_gets_a_notice_with_its_successor() -> None:
    door = Door()
    door.knock()

    assert door.knock("ticket-2", session="session-2")["statusCode"] == 200

    (entry,) = door.mailbox.read_after("session-1", 0)
    assert isinstance(entry, Notified)
    assert entry.notice == Superseded("session-2")
    assert door.mailbox.read_after("session-2", 0) == []
    assert door.log.lines[1]["superseded_session_id"] == "session-1"
    assert door.log.lines[1]["superseded_was_told"] is True


def test_a_connection_opens_even_if_the_replaced_session_cannot_be_notified() -> None:
    door = Door()
    door.replace_port(mailbox=DeafMailbox(door.tables))
    door.knock()

    assert door.knock("ticket-2", session="session-2")["statusCode"] == 200
    assert door.log.lines[1]["superseded_was_told"] is False


def test_a_failing_table_refuses_with_503() -> None:
    door = Door()
    door.replace_port(openings=UnavailableOpenings(door.tables))

    assert door.knock() == {"statusCode": 503}
    assert door.refusals == ["store_unavailable"]
    assert door.metrics.by(Metric.CONNECT_FAILURES) == ["store_unavailable"]


@pytest.mark.parametrize("offer", ["repartee.v1", "repartee.v1, other", " repartee.v1 ,other"])
def test_our_subprotocol_is_accepted_when_it_is_offered_first(offer: str) -> None:
    answer = Door().knock(protocols=offer)

    assert answer == {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "repartee.v1"}}


@pytest.mark.parametrize("offer", ["other", "other, repartee.v1", "REPARTEE.V1", "repartee.v2"])
def test_no_other_subprotocol_is_echoed(offer: str) -> None:
    assert Door().knock(protocols=offer) == {"statusCode": 200}


def test_a_refused_client_gets_no_subprotocol() -> None:
    door = Door()
    door.knock()

    assert door.knock(protocols="repartee.v1") == {"statusCode": 403}


def test_the_event_file_opens_a_connection() -> None:
    door = Door()

    answer = handle(EVENT, door.deps)

    assert answer["statusCode"] == 200
    assert answer["headers"] == {"Sec-WebSocket-Protocol": "repartee.v1"}
    assert EVENT["queryStringParameters"]["ticket"] not in door.log.text


def test_a_replaced_session_that_is_over_is_left_without_a_notice() -> None:
    door = Door()
    door.knock()
    door.tables.states.clear()

    assert door.knock("ticket-2", session="session-2")["statusCode"] == 200

    assert door.mailbox.read_after("session-1", 0) == []
    assert door.log.lines[1]["superseded_was_told"] is False


def test_the_newest_of_fifty_further_connections_of_a_session_stay() -> None:
    door = Door()
    for number in range(51):
        answer = door.knock(f"ticket-{number}", connection=f"connection-{number}")
        assert answer["statusCode"] == 200

    assert door.channel.gone == {f"connection-{number}" for number in range(48)}
    assert door.log.lines[-1]["closed_connections"] == 1


def test_a_surplus_connection_is_closed_with_a_reason_and_the_current_one_stays() -> None:
    door = Door()
    for name in ("current", "idle-1", "idle-2"):
        door.knock(f"ticket-of-{name}", connection=name)
    state = door.tables.states["session-1"]
    later = replace(state, newest_hello=Connected(NOON_MS, "current"))
    door.tables.states["session-1"] = later

    for name in ("new-1", "new-2"):
        assert door.knock(f"ticket-of-{name}", connection=name)["statusCode"] == 200

    assert door.channel.gone == {"idle-1", "idle-2"}
    assert door.tables.states["session-1"].open_connections == ("current", "new-1", "new-2")
    for name in ("idle-1", "idle-2"):
        (frame,) = map(json.loads, door.channel.posts[name])
        assert (frame["type"], frame["code"]) == ("error", "superseded_connection")
        assert frame["retryable"] is False
    assert not door.channel.posts["current"]


@pytest.mark.parametrize("is_slow", [True, False])
def test_a_surplus_connection_that_takes_no_frame_is_closed(is_slow: bool) -> None:
    door = Door()
    (door.channel.slow if is_slow else door.channel.gone).add("connection-0")
    for number in range(4):
        answer = door.knock(f"ticket-{number}", connection=f"connection-{number}")
        assert answer["statusCode"] == 200

    assert "connection-0" in door.channel.gone


def test_a_state_without_a_hello_noted_keeps_the_connection_that_it_serves() -> None:
    door = Door()
    for number in range(3):
        door.knock(f"ticket-{number}", connection=f"connection-{number}")
    old = replace(door.tables.states["session-1"], newest_hello=None, connection_id="connection-0")
    door.tables.states["session-1"] = old

    door.knock("ticket-3", connection="connection-3")

    assert door.channel.gone == {"connection-1"}
