"""What the writes that reach the tables tell: who serves, what is remembered, who is too late."""

import asyncio
import json
from typing import Any

import pytest

from local.chaos.client_record import ClientRecord
from local.chaos.injector import Injector
from local.chaos.plan import Moment, plan_run
from local.chaos.table_faults import TableRequest

pytestmark = pytest.mark.unit


class Recording(Injector):
    """An injector that notes the moments it is told of and strikes nobody."""

    def __init__(self) -> None:
        nobody: Any = None
        super().__init__(nobody, nobody, plan_run(1), "S1", "user-1", nobody, ClientRecord())
        self.moments: list[Moment] = []

    async def reached(self, moment: Moment) -> None:
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
            await injector.table_wrote(request)

    asyncio.run(tell())
    return injector


def test_what_a_worker_writes_after_another_took_its_lease_is_stale():
    injector = after(take("A"), renew("A"), take("B"), renew("B"), renew("A"), commit("A", 1))
    assert injector.stale_writes == ["A: UpdateItem", "A: TransactWriteItems"]


def test_a_process_that_takes_the_lease_again_is_not_stale():
    injector = after(take("A"), take("B"), release("B"), take("A"), renew("A"), release("A"))
    assert injector.stale_writes == []
    assert injector.releases == 2


def test_who_follows_a_release_replaced_nobody():
    injector = after(take("A"), release("A"), take("B"), renew("A"))
    assert injector.stale_writes == []


def test_moments_are_read_from_the_writes():
    injector = after(take("A"), book("C"), commit("A", 1), commit("A", 2), release("A"))
    assert injector.moments == [
        Moment.TOOL_EFFECT,
        Moment.COMMIT,
        Moment.COMMIT,
        Moment.RELEASE,
    ]
    assert injector.remembered == 2


def test_other_sessions_are_none_of_its_business():
    injector = after(take("A"), take("B", "S2"), renew("A"))
    assert injector.stale_writes == []
