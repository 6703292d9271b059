"""A worker whose lease may be over stops by its own clock: it posts and writes no more."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from repartee.application.serving.client_lane import ClientLane
from repartee.application.serving.lease_keeper import LeaseKeeper
from repartee.application.serving.table_lane import TableLane
from repartee.domain.protocol.frames import Accepted, NumberedFrame
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.effects import PostFrame, SetConnection
from repartee.domain.session.events import Event, LeaseWasLost
from tests.fakes.clock import FakeClock
from tests.unit.application.serving.worker_harness import LINE, SESSION, WorkerHarness
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

EPOCH = 3


class SlowStore:
    """Takes its time to renew a lease."""

    def __init__(self, clock: FakeClock, takes_ms: int) -> None:
        self._clock = clock
        self._takes_ms = takes_ms

    def renew_lease(self, *_args: object, **_values: object) -> None:
        self._clock.advance(self._takes_ms)


def keeper(clock: FakeClock, *, takes_ms: int = 0) -> LeaseKeeper:
    store: Any = SlowStore(clock, takes_ms)
    return LeaseKeeper(store, clock, SESSION, EPOCH, clock.monotonic_ms() + 4_000)


def test_a_lease_is_trusted_up_to_one_second_before_its_end():
    clock = FakeClock()
    lease = keeper(clock)
    clock.advance(3_000)
    lease.renew(0)
    clock.advance(3_999)
    assert lease.is_held()
    clock.advance(1)
    assert not lease.is_held()


def test_a_renewal_counts_from_when_it_was_asked_for_not_from_when_it_was_answered():
    clock = FakeClock()
    lease = keeper(clock, takes_ms=2_000)
    lease.renew(0)
    clock.advance(1_999)
    assert lease.is_held()
    clock.advance(1)
    assert not lease.is_held()


@pytest.mark.parametrize("jump_ms", [-3_600_000, 3_600_000])
def test_a_corrected_wall_clock_changes_nothing(jump_ms: int):
    clock = FakeClock()
    lease = keeper(clock)
    clock.unix_ms += jump_ms
    assert lease.is_held()
    clock.advance(4_000)
    assert not lease.is_held()


class Lease:
    """One that is held or not, as the test says."""

    def __init__(self, *, is_held: bool) -> None:
        self._is_held = is_held

    def is_held(self) -> bool:
        return self._is_held


@pytest.mark.parametrize("is_held", [True, False])
@in_virtual_time
async def test_only_a_worker_that_holds_the_lease_posts(is_held: bool):
    scene, fed = WorkerHarness(), list[Event]()
    lease: Any = Lease(is_held=is_held)
    lane = ClientLane(lease, scene.channel, fed.append)
    running = asyncio.create_task(lane.run())
    lane.put(PostFrame(LINE, NumberedFrame(EPOCH, 1, Accepted(1))))
    await lane.wait_until_drained()
    running.cancel()
    assert len(scene.frames()) == is_held
    assert len(fed) == is_held


async def write_a_connection(scene: WorkerHarness, *, is_held: bool) -> list[Event]:
    """Have a worker's table lane write that the client has another connection."""
    fed = list[Event]()
    lease: Any = Lease(is_held=is_held)
    taken = InputTaken()
    machine: Any = SimpleNamespace(cursor=0, taken_through=0, input_taken_at=lambda _: taken)
    lane = TableLane(machine, scene.state(), lease, scene.ports, 30_000, fed.append)
    running = asyncio.create_task(lane.run())
    lane.put(SetConnection("line-2"))
    await lane.wait_until_drained()
    running.cancel()
    return fed


@pytest.mark.parametrize(("is_held", "connection"), [(True, "line-2"), (False, None)])
@in_virtual_time
async def test_only_a_worker_that_holds_the_lease_writes(is_held: bool, connection: str | None):
    scene = WorkerHarness()
    fed = await write_a_connection(scene, is_held=is_held)
    assert scene.state().connection_id == connection
    assert fed == []


@in_virtual_time
async def test_a_write_that_another_workers_epoch_refuses_ends_the_worker_at_once(monkeypatch):
    scene = WorkerHarness()
    stale = scene.state()
    scene.sessions.acquire_lease(
        SESSION, owner="successor", now_ms=scene.clock.now_ms(), until_ms=10**15
    )
    monkeypatch.setattr(scene, "state", lambda: stale)
    assert await write_a_connection(scene, is_held=True) == [LeaseWasLost()]
