"""Changing preferences: the sessions that get a notice, and failed notices."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from repartee.application.connections.deliver_notice import SessionNotifier
from repartee.application.users.change_preferences import PreferenceChanger
from repartee.domain.errors import StoreUnavailable, UserErased
from repartee.domain.protocol.messages import Notice, PreferencesChanged
from repartee.domain.session.state import ActiveSession, ConnectionOpening
from repartee.domain.users.preferences import PreferenceChanges, Profile
from tests.fakes.clock import NOON_MS
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.profile_store import FakeProfileStore
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables

pytestmark = pytest.mark.unit

CHANGES = PreferenceChanges(language="hi-IN", style="")


class Mailbox(FakeMailbox):
    """Takes no notices of the sessions in ``closed``."""

    closed: frozenset[str] = frozenset()

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        if session_id in self.closed:
            raise StoreUnavailable("set to fail")
        return super().notify(session_id, notice, now_ms=now_ms)


class Connections(FakeConnectionStore):
    """Fails on demand."""

    fails = False

    def active_sessions(self, user_id: str, *, now_ms: int) -> Mapping[str, ActiveSession]:
        if self.fails:
            raise StoreUnavailable("set to fail")
        return super().active_sessions(user_id, now_ms=now_ms)


class Profiles(FakeProfileStore):
    """Takes a second to write."""

    def __init__(self, tables: FakeTables) -> None:
        super().__init__(tables)
        self._clock = tables.clock

    def change(
        self, user_id: str, changes: PreferenceChanges, replaces: PreferenceChanges | None = None
    ) -> Profile:
        self._clock.advance(1_000)
        return super().change(user_id, changes, replaces)


class Users:
    """Users with sessions, on fakes."""

    def __init__(self) -> None:
        self.tables = FakeTables()
        self.mailbox = Mailbox(self.tables)
        self.connections = Connections(self.tables)
        self.changer = PreferenceChanger(
            Profiles(self.tables),
            SessionNotifier(
                self.connections,
                self.mailbox,
                FakeSessionStore(self.tables),
                self.tables.clock,
            ),
            self.tables.clock,
        )

    def connect(self, session: str, user: str = "user-1") -> None:
        opening = ConnectionOpening(
            connection_id=f"connection-of-{session}",
            user_id=user,
            session_id=session,
            conversation_id=f"conversation-of-{session}",
            ticket_id=f"ticket-of-{session}",
            ticket_expires_at_ms=NOON_MS + 60_000,
            opened_at_ms=NOON_MS,
            max_sessions=5,
        )
        FakeOpeningStore(self.tables).open(opening)

    def notices(self, session: str) -> list[Notice]:
        contents = self.tables.mailboxes.get(session)
        return [notice for notice, _ in contents.notices.values()] if contents else []


def test_every_open_session_of_the_user_is_notified_of_the_stored_values_and_their_time() -> None:
    users = Users()
    users.connect("session-1")
    users.connect("session-2")
    users.connect("session-of-another", user="user-2")

    changed = users.changer.change("user-1", CHANGES)

    assert changed.is_every_session_notified
    assert changed.profile == users.tables.profiles["user-1"] == Profile("user-1", language="hi-IN")
    notice = PreferencesChanged(CHANGES, NOON_MS + 1_000)
    assert users.notices("session-1") == users.notices("session-2") == [notice]
    assert users.notices("session-of-another") == []
    assert users.tables.wakes == {}


def test_a_session_that_ended_meanwhile_keeps_no_notice() -> None:
    users = Users()
    users.connect("session-1")
    state = users.tables.states["session-1"]
    users.tables.states["session-1"] = replace(state, ended=True)

    assert users.changer.change("user-1", CHANGES).is_every_session_notified
    assert users.notices("session-1") == []


def test_a_failing_mailbox_does_not_stop_the_notices_to_other_sessions() -> None:
    users = Users()
    users.connect("session-1")
    users.connect("session-2")
    users.mailbox.closed = frozenset({"session-1"})

    changed = users.changer.change("user-1", CHANGES)

    assert not changed.is_every_session_notified
    assert users.tables.profiles["user-1"].language == "hi-IN"
    assert len(users.notices("session-2")) == 1


def test_a_change_is_stored_even_when_the_sessions_cannot_be_found() -> None:
    users = Users()
    users.connections.fails = True

    assert not users.changer.change("user-1", CHANGES).is_every_session_notified
    assert users.tables.profiles["user-1"].language == "hi-IN"


def test_an_empty_change_sends_no_notice() -> None:
    users = Users()
    users.connect("session-1")

    assert users.changer.change("user-1", PreferenceChanges()).is_every_session_notified
    assert users.notices("session-1") == []


def test_a_change_by_an_erased_user_sends_no_notice() -> None:
    users = Users()
    users.connect("session-1")
    users.tables.profiles["user-1"] = Profile("user-1", erased_at_ms=NOON_MS)

    with pytest.raises(UserErased):
        users.changer.change("user-1", CHANGES)

    assert users.notices("session-1") == []
