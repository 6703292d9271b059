import json
from collections.abc import Sequence
from typing import Any

import pytest

from repartee.application.users.erase_user import MARGIN_MS, SETTLE_MS, UserEraser
from repartee.domain.protocol.messages import Audio, Numbered
from repartee.domain.session.state import ConnectionOpening
from repartee.domain.users.erasure import ItemKind, StoredItem
from repartee.domain.users.notes import Note
from repartee.domain.users.preferences import Profile
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.erasure_store import FakeErasureStore
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables

pytestmark = pytest.mark.unit


class Scene:
    """One user in a call, and an eraser that waits in no time."""

    def __init__(self) -> None:
        self.tables = FakeTables()
        self.channel = FakeClientChannel()
        self.waits_s: list[float] = []
        self.eraser = UserEraser(
            FakeErasureStore(self.tables), self.channel, self.tables.clock, self._wait
        )
        self.remaining_ms = 29_000

    def _wait(self, duration_s: float) -> None:
        self.waits_s.append(duration_s)
        self.tables.clock.advance(round(duration_s * 1000))

    def connect(self, connection: str = "connection-1", session: str = "session-1") -> None:
        FakeOpeningStore(self.tables).open(
            ConnectionOpening(
                connection_id=connection,
                user_id="ann",
                session_id=session,
                conversation_id="conversation-1",
                ticket_id=f"ticket-of-{connection}",
                ticket_expires_at_ms=NOON_MS + 60_000,
                opened_at_ms=NOON_MS,
                max_sessions=3,
            )
        )

    def talk(self, count: int) -> None:
        for seq in range(1, count + 1):
            message = Numbered(seq, Audio(b"\0\0"), "connection-1", NOON_MS)
            FakeMailbox(self.tables).append("session-1", message)

    def erase(self) -> Any:
        return self.eraser.erase("ann", remaining_ms=lambda: self.remaining_ms)

    def heard(self, connection: str) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.channel.posts[connection]]


def test_a_user_without_a_call_is_erased_without_waiting() -> None:
    scene = Scene()
    scene.tables.profiles["ann"] = Profile("ann", language="es-ES")

    erasure = scene.erase()

    assert erasure.finished_at_ms == NOON_MS
    assert erasure.deleted == {}
    assert scene.waits_s == []
    assert scene.tables.profiles["ann"] == Profile("ann", erased_at_ms=NOON_MS)


def test_the_caller_hears_that_everything_was_erased_and_the_line_is_closed() -> None:
    scene = Scene()
    scene.connect()
    lease = FakeSessionStore(scene.tables).acquire_lease(
        "session-1", owner="worker", now_ms=NOON_MS, until_ms=NOON_MS + 5_000
    )
    assert lease is not None

    scene.erase()

    (closed,) = scene.heard("connection-1")
    # Newer than all that the worker of epoch 1 can still send.
    assert closed == {"type": "closed", "epoch": 2, "seq": 1, "reason": "erased"}
    assert scene.channel.gone == {"connection-1"}


def test_a_client_gets_the_close_although_the_run_that_ended_its_session_died_before_it() -> None:
    scene = Scene()
    scene.connect()

    class DiesAfterEnding(FakeErasureStore):
        def end_session(self, session_id: str) -> int | None:
            super().end_session(session_id)
            raise ConnectionError

    dying = UserEraser(
        DiesAfterEnding(scene.tables), scene.channel, scene.tables.clock, scene._wait
    )
    with pytest.raises(ConnectionError):
        dying.erase("ann", remaining_ms=lambda: 29_000)
    assert scene.channel.posts == {}

    scene.erase()

    (closed,) = scene.heard("connection-1")
    assert closed["reason"] == "erased"
    assert scene.waits_s == [SETTLE_MS / 1000]


def test_sessions_that_an_earlier_request_has_ended_are_not_ended_again() -> None:
    scene = Scene()
    for number in range(3):
        scene.connect(f"connection-{number}", f"session-{number}")
        FakeConnectionStore(scene.tables).close(f"connection-{number}")
    scene.remaining_ms = MARGIN_MS - 1
    ended: list[str] = []

    class Noting(FakeErasureStore):
        def end_session(self, session_id: str) -> int | None:
            ended.append(session_id)
            return super().end_session(session_id)

    eraser = UserEraser(Noting(scene.tables), scene.channel, scene.tables.clock, scene._wait)
    for _ in range(5):
        erasure = eraser.erase("ann", remaining_ms=lambda: scene.remaining_ms)

    assert ended == ["session-0", "session-1", "session-2"]
    assert erasure.settles_at_ms == NOON_MS + SETTLE_MS


@pytest.mark.parametrize("trouble", ["gone", "slow", "failing"])
def test_a_client_that_cannot_be_reached_does_not_stop_the_erasure(trouble: str) -> None:
    scene = Scene()
    scene.connect()
    if trouble == "failing":
        scene.channel.failing = True
    else:
        getattr(scene.channel, trouble).add("connection-1")

    assert scene.erase().finished_at_ms is not None
    assert (scene.tables.states, scene.tables.connections, scene.tables.openings) == ({}, {}, {})


def test_items_that_a_running_function_writes_are_deleted_at_the_end() -> None:
    scene = Scene()
    scene.connect()

    def killed_message(duration_s: float) -> None:
        scene._wait(duration_s)
        scene.talk(1)

    eraser = UserEraser(scene.eraser.store, scene.channel, scene.tables.clock, killed_message)
    erasure = eraser.erase("ann", remaining_ms=lambda: 29_000)

    assert scene.waits_s == [SETTLE_MS / 1000]
    assert erasure.deleted[ItemKind.MAILBOX_ENTRIES] == 1
    assert scene.tables.mailboxes["session-1"].messages == {}
    assert scene.tables.openings == {}


def test_items_written_during_the_erasure_are_found_by_a_last_scan() -> None:
    scene = Scene()

    def note(note_id: str) -> None:
        scene.tables.notes.setdefault("ann", {})[note_id] = Note(note_id, "Has a dog.", NOON_MS)

    class WrittenTo(FakeErasureStore):
        def delete(self, user_id: str, items: Sequence[StoredItem]) -> None:
            super().delete(user_id, items)
            if any("note-1" in item.sort for item in items):
                note("note-2")

    note("note-1")
    eraser = UserEraser(WrittenTo(scene.tables), scene.channel, scene.tables.clock, scene._wait)
    erasure = eraser.erase("ann", remaining_ms=lambda: 29_000)

    assert erasure.deleted == {ItemKind.NOTES: 2}
    assert not scene.tables.notes["ann"]


def test_without_time_to_wait_the_rest_is_left_to_the_next_request() -> None:
    scene = Scene()
    scene.connect()
    scene.talk(3)
    scene.remaining_ms = SETTLE_MS + MARGIN_MS - 1

    first = scene.erase()

    assert first.finished_at_ms is None
    assert first.deleted[ItemKind.MAILBOX_ENTRIES] == 3
    assert scene.waits_s == []
    assert scene.tables.openings, "they lead the next request to the session"

    scene.tables.clock.advance(SETTLE_MS)
    second = scene.erase()

    assert second.finished_at_ms == NOON_MS + SETTLE_MS
    assert second.erased_at_ms == NOON_MS
    assert scene.waits_s == []
    assert scene.tables.openings == {}


def test_no_batch_is_begun_without_the_time_for_it() -> None:
    scene = Scene()
    scene.connect()
    scene.remaining_ms = MARGIN_MS - 1

    erasure = scene.erase()

    assert erasure.finished_at_ms is None
    assert erasure.deleted == {}
    assert scene.tables.states["session-1"].ended
    assert scene.channel.gone == {"connection-1"}


def test_erasing_once_more_changes_nothing() -> None:
    scene = Scene()
    scene.connect()
    first = scene.erase()
    scene.tables.clock.advance(60_000)

    again = scene.erase()

    assert again == first
