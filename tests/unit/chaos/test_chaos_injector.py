"""The session's progress in the tables, and the moments of faults."""

import asyncio
import json
from typing import Any

import pytest

from local.hosting.table_faults import TableRequest
from tests.chaos.faults.injector import Injector
from tests.chaos.plan.generator import plan_run
from tests.chaos.plan.run_plan import FaultKind, FaultMoment, RunPlan
from tests.chaos.user.client_record import ClientRecord

pytestmark = pytest.mark.unit


class Recording(Injector):
    """An injector that records the moments and injects nothing."""

    def __init__(self, plan: RunPlan | None = None, stack: Any = None) -> None:
        unused: Any = None
        super().__init__(stack, unused, plan or plan_run(1), "S1", "user-1", unused, ClientRecord())
        self.moments: list[FaultMoment] = []

    async def on_moment(self, moment: FaultMoment) -> None:
        self.moments.append(moment)


def update(caller: str, expression: str, session: str = "S1") -> TableRequest:
    body = {"Key": {"pk": {"S": f"session#{session}"}}, "UpdateExpression": expression}
    return TableRequest("UpdateItem", json.dumps(body).encode(), caller)


def take(caller: str, session: str = "S1") -> TableRequest:
    return update(caller, "SET lease_owner = :me, epoch = epoch + :one", session)


def renew(caller: str) -> TableRequest:
    return update(caller, "SET lease_until_ms = :until")


def release(caller: str) -> TableRequest:
    return update(caller, "SET lease_until_ms = :released REMOVE lease_owner")


def commit(caller: str, turn: int) -> TableRequest:
    body = {"TransactItems": [{"Put": {"Item": {"sk": {"S": f"turn#{turn:08d}"}}}}, {"k": "S1"}]}
    return TableRequest("TransactWriteItems", json.dumps(body).encode(), caller)


def book(caller: str) -> TableRequest:
    body = {"TransactItems": [{"Put": {"Item": {"pk": {"S": "day#2026-11-27"}}}}, {"u": "user-1"}]}
    return TableRequest("TransactWriteItems", json.dumps(body).encode(), caller)


def after(*requests: TableRequest) -> Recording:
    injector = Recording()

    async def write() -> None:
        for request in requests:
            await injector.watch.on_write(request)

    asyncio.run(write())
    return injector


def test_a_write_of_a_worker_that_lost_its_lease_is_stale():
    injector = after(take("A"), renew("A"), take("B"), renew("B"), renew("A"), commit("A", 1))
    assert injector.watch.stale_writes == ["A: UpdateItem", "A: TransactWriteItems"]


def test_a_process_that_takes_the_lease_again_is_not_stale():
    injector = after(take("A"), take("B"), release("B"), take("A"), renew("A"), release("A"))
    assert injector.watch.stale_writes == []
    assert injector.watch.releases == 2


def test_a_process_that_serves_another_session_is_not_stale():
    body = {"Item": {"pk": {"S": "session#S1"}, "kind": {"S": "superseded"}, "by": {"S": "S2"}}}
    notice = TableRequest("PutItem", json.dumps(body).encode(), "A")
    assert after(take("A"), take("B"), notice).watch.stale_writes == ["A: PutItem"]
    assert after(take("A"), take("B"), take("A", "S2"), notice).watch.stale_writes == []


@pytest.mark.parametrize(("what", "is_stale"), [("DeleteRequest", False), ("PutRequest", True)])
def test_any_worker_may_delete_input(what: str, is_stale: bool):
    body = {"RequestItems": {"live": [{what: {"Key": {"pk": {"S": "session#S1"}}}}]}}
    late = TableRequest("BatchWriteItem", json.dumps(body).encode(), "A")
    injector = after(take("A"), take("B"), late)
    assert injector.watch.stale_writes == (["A: BatchWriteItem"] if is_stale else [])


def test_a_repeated_commit_is_not_stale():
    body = {"ClientRequestToken": "T1", "TransactItems": [{"k": "S1"}]}
    first = TableRequest("TransactWriteItems", json.dumps(body).encode(), "A")
    other = {**body, "ClientRequestToken": "T2"}
    late = TableRequest("TransactWriteItems", json.dumps(other).encode(), "A")
    assert after(take("A"), first, take("B"), first).watch.stale_writes == []
    assert after(take("A"), first, take("B"), late).watch.stale_writes == ["A: TransactWriteItems"]


def test_a_worker_that_released_its_lease_is_not_replaced():
    injector = after(take("A"), release("A"), take("B"), renew("A"))
    assert injector.watch.stale_writes == []


def test_moments_are_read_from_the_writes():
    injector = after(take("A"), book("C"), commit("A", 1), commit("A", 2), release("A"))
    assert injector.moments == [
        FaultMoment.TOOL_EFFECT,
        FaultMoment.COMMIT,
        FaultMoment.COMMIT,
        FaultMoment.RELEASE,
    ]
    assert injector.watch.remembered == 2


def test_writes_of_other_sessions_are_ignored():
    injector = after(take("A"), take("B", "S2"), renew("A"))
    assert injector.watch.stale_writes == []


def test_other_writes_of_the_user_are_ignored_after_the_session():
    injector = Recording()
    injector.watch.is_over = True
    asyncio.run(injector.watch.on_write(book("C")))
    assert injector.moments == []


def test_only_the_wake_of_a_hand_over_is_a_moment():
    async def woken(*wakes: dict[str, Any]) -> list[FaultMoment]:
        injector = Recording()
        for wake in wakes:
            await injector.on_worker_wake(json.dumps(wake).encode())
        return injector.moments

    by_message = {"session_id": "S1", "hop": 0}
    of_another = {"session_id": "S2", "hop": 1}
    assert asyncio.run(woken(by_message, of_another)) == []
    assert asyncio.run(woken({"session_id": "S1", "hop": 10})) == [FaultMoment.WOKEN]


class Lambdas:
    """Records the limits of the pool."""

    def __init__(self) -> None:
        self.limits: list[int | None] = []
        self.lives: list[float | None] = []

    def override_timeout(self, _function: str, timeout_s: float | None) -> None:
        self.lives.append(timeout_s)

    def set_concurrency(self, _function: str, concurrency: int | None) -> None:
        self.limits.append(concurrency)


class FakeStack:
    def __init__(self) -> None:
        self.lambdas = Lambdas()


def test_workers_are_available_after_a_busy_reply_without_a_worker():
    plan = next(plan for plan in map(plan_run, range(50)) if plan.is_without_worker)
    stack = FakeStack()
    injector = Recording(plan, stack)
    injector.on_busy_reply(1_000)  # a fault of a table
    assert not stack.lambdas.limits
    injector.on_busy_reply(3_000)
    injector.on_busy_reply(3_000)
    assert stack.lambdas.limits == [None]
    assert injector.happened == {FaultKind.NO_WORKER: 1}


def test_a_busy_reply_counts_only_in_a_run_without_worker():
    plan = next(plan for plan in map(plan_run, range(50)) if not plan.is_without_worker)
    stack = FakeStack()
    injector = Recording(plan, stack)
    injector.on_busy_reply(3_000)
    assert (stack.lambdas.limits, dict(injector.happened)) == ([], {})


def test_the_moment_of_an_open_live_session_recurs_at_the_start_of_a_turn():
    injector = Recording()

    async def run() -> None:
        await injector.on_gemini_event({"kind": "setup"})
        await injector.on_turn_start(0)

    asyncio.run(run())
    assert injector.moments.count(FaultMoment.OPENED) == 2


def test_a_turn_with_two_short_lived_workers_gets_one_with_the_usual_time():
    plan = next(plan for plan in map(plan_run, range(50)) if plan.worker_life_s is not None)
    stack = FakeStack()
    injector = Recording(plan, stack)

    async def run() -> None:
        for turn in (0, 1):
            await injector.on_turn_start(turn)
            await injector.watch.on_write(take("A"))
            await injector.watch.on_write(release("A"))
        assert stack.lambdas.lives == []
        await injector.watch.on_write(take("B"))
        await injector.watch.on_write(release("B"))

    asyncio.run(run())
    assert stack.lambdas.lives == [None]
