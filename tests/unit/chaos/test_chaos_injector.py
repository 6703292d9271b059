"""What the writes that reach the tables tell: who serves, what is remembered, who is too late."""

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
    """An injector that notes the moments it is told of and strikes nobody."""

    def __init__(self, plan: RunPlan | None = None, stack: Any = None) -> None:
        nobody: Any = None
        super().__init__(stack, nobody, plan or plan_run(1), "S1", "user-1", nobody, ClientRecord())
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

    async def tell() -> None:
        for request in requests:
            await injector.watch.on_write(request)

    asyncio.run(tell())
    return injector


def test_what_a_worker_writes_after_another_took_its_lease_is_stale():
    injector = after(take("A"), renew("A"), take("B"), renew("B"), renew("A"), commit("A", 1))
    assert injector.watch.stale_writes == ["A: UpdateItem", "A: TransactWriteItems"]


def test_a_process_that_takes_the_lease_again_is_not_stale():
    injector = after(take("A"), take("B"), release("B"), take("A"), renew("A"), release("A"))
    assert injector.watch.stale_writes == []
    assert injector.watch.releases == 2


def test_a_process_that_serves_the_session_of_another_device_by_now_is_not_stale():
    body = {"Item": {"pk": {"S": "session#S1"}, "kind": {"S": "superseded"}, "by": {"S": "S2"}}}
    notice = TableRequest("PutItem", json.dumps(body).encode(), "A")
    assert after(take("A"), take("B"), notice).watch.stale_writes == ["A: PutItem"]
    assert after(take("A"), take("B"), take("A", "S2"), notice).watch.stale_writes == []


@pytest.mark.parametrize(("what", "is_stale"), [("DeleteRequest", False), ("PutRequest", True)])
def test_deleting_input_that_is_remembered_is_right_whoever_does_it(what: str, is_stale: bool):
    body = {"RequestItems": {"live": [{what: {"Key": {"pk": {"S": "session#S1"}}}}]}}
    late = TableRequest("BatchWriteItem", json.dumps(body).encode(), "A")
    injector = after(take("A"), take("B"), late)
    assert injector.watch.stale_writes == (["A: BatchWriteItem"] if is_stale else [])


def test_a_repeated_commit_that_counted_before_writes_nothing():
    body = {"ClientRequestToken": "T1", "TransactItems": [{"k": "S1"}]}
    first = TableRequest("TransactWriteItems", json.dumps(body).encode(), "A")
    other = {**body, "ClientRequestToken": "T2"}
    late = TableRequest("TransactWriteItems", json.dumps(other).encode(), "A")
    assert after(take("A"), first, take("B"), first).watch.stale_writes == []
    assert after(take("A"), first, take("B"), late).watch.stale_writes == ["A: TransactWriteItems"]


def test_who_follows_a_release_replaced_nobody():
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


def test_other_sessions_are_none_of_its_business():
    injector = after(take("A"), take("B", "S2"), renew("A"))
    assert injector.watch.stale_writes == []


def test_what_its_user_does_after_the_session_is_none_of_its_business():
    injector = Recording()
    injector.watch.is_over = True
    asyncio.run(injector.watch.on_write(book("C")))
    assert injector.moments == []


def test_a_successor_is_told_from_a_worker_that_a_message_wakes():
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
    """Notes what the pool was allowed."""

    def __init__(self) -> None:
        self.limits: list[int | None] = []
        self.lives: list[float | None] = []

    def override_timeout(self, _function: str, timeout_s: float | None) -> None:
        self.lives.append(timeout_s)

    def set_concurrency(self, _function: str, concurrency: int | None) -> None:
        self.limits.append(concurrency)


class Laptop:
    def __init__(self) -> None:
        self.lambdas = Lambdas()


def test_workers_are_to_be_had_once_the_client_was_told_that_there_are_none():
    plan = next(plan for plan in map(plan_run, range(50)) if plan.is_without_worker)
    stack = Laptop()
    injector = Recording(plan, stack)
    injector.on_busy_reply(1_000)  # a table's trouble
    assert not stack.lambdas.limits
    injector.on_busy_reply(3_000)
    injector.on_busy_reply(3_000)
    assert stack.lambdas.limits == [None]
    assert injector.happened == {FaultKind.NO_WORKER: 1}


def test_who_is_told_to_wait_for_another_reason_found_no_missing_worker():
    plan = next(plan for plan in map(plan_run, range(50)) if not plan.is_without_worker)
    stack = Laptop()
    injector = Recording(plan, stack)
    injector.on_busy_reply(3_000)
    assert (stack.lambdas.limits, dict(injector.happened)) == ([], {})


def test_the_moment_after_a_set_up_is_not_missed_when_the_set_up_came_first():
    injector = Recording()

    async def run() -> None:
        await injector.on_gemini_event({"kind": "setup"})
        await injector.on_turn_start(0)

    asyncio.run(run())
    assert injector.moments.count(FaultMoment.OPENED) == 2


def test_a_turn_that_two_short_lives_did_not_end_gets_a_worker_that_lives():
    plan = next(plan for plan in map(plan_run, range(50)) if plan.worker_life_s is not None)
    stack = Laptop()
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
