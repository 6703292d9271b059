"""Other processes answer a turn whose processes are killed after its booking."""

import asyncio
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import pytest

from local.hosting.table_faults import TableFaultProxy, TableRequest
from repartee.domain.tools.core_calls import ToolCallStatus
from tests.chaos.judgement.oracle import judge
from tests.integration.running import (
    RunningStack,
    options_for_tests,
    recordings,
    stack_in_thread,
)
from tests.integration.witnessed_session import WitnessedSession, open_witnessed_session

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stale")]

WORKER, CORE_AGENT = "worker", "core_agent"
BOTH = frozenset({WORKER, CORE_AGENT})

_BOOKS = re.compile(rb'"day#[0-9-]+"')


@dataclass(frozen=True)
class Scene:
    running: RunningStack
    tables: TableFaultProxy


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    tables = TableFaultProxy()
    options = options_for_tests(tmp_path_factory.mktemp("killed"))
    with stack_in_thread(replace(options, table_faults=tables)) as running:
        yield Scene(running, tables)


class Killer:
    """Kills the worker, core_agent or both once a slot is booked.

    The table has the booking then, but neither process knows it.
    """

    def __init__(self, scene: Scene, talk: WitnessedSession, victims: Collection[str]) -> None:
        self.killed: list[str] = []
        self.bookings = 0
        self._scene = scene
        self._talk = talk
        self._victims = victims

    async def on_table_write_seen(self, request: TableRequest) -> None:
        """Kill the processes if the write is a booking."""
        await self._talk.watch.on_table_write_seen(request)
        if request.operation != "TransactWriteItems" or not _BOOKS.search(request.body):
            return
        self.bookings += 1
        if self.killed:
            return
        if WORKER in self._victims:
            self.killed.append(self._talk.watch.holders[-1])
        if CORE_AGENT in self._victims:
            self.killed.append(request.caller)
        for environment in self.killed:
            await self._talk.stack.lambdas.kill(environment)
        if self._victims == BOTH:
            await asyncio.to_thread(self._let_claim_run_out)

    def _let_claim_run_out(self) -> None:
        """Let the claim of the dead run expire, without waiting the 25 s."""
        running, conversation = self._scene.running, self._talk.ticket.conversation_id
        (claim,) = [
            item
            for item in running.items("MemoryTable")
            if item["pk"] == {"S": f"conv#{conversation}"} and "claimed_until_ms" in item
        ]
        running.dynamodb().update_item(
            TableName=running.stack.table_names["MemoryTable"],
            Key={name: claim[name] for name in ("pk", "sk")},
            UpdateExpression="SET claimed_until_ms = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )


async def book_and_be_killed(scene: Scene, victims: Collection[str]) -> None:
    stack = scene.running.stack
    greeting, wish, _ = recordings("default")
    async with open_witnessed_session(stack, scene.tables, "killed") as talk:
        killer = Killer(scene, talk, victims)
        scene.tables.watcher = killer.on_table_write_seen
        await talk.exchange(greeting)
        await talk.exchange(wish)
        assert len(killer.killed) == len(victims)
        assert len(talk.watch.holders) == 1 + (WORKER in victims)
        assert talk.watch.holders[-1] not in killer.killed
        await talk.hang_up()
    evidence = await talk.evidence()

    (booking,) = evidence.bookings
    assert killer.bookings == 1
    _, turn = evidence.tables.turns
    (call,) = turn.tool_calls
    assert (call.status, call.key.turn) == (ToolCallStatus.DONE, turn.number)
    assert f"{booking.slot.start:%-I} p.m." in call.answer
    # The user hears the result from before the death, or the one from after it.
    assert call.answer in turn.said
    told = talk.call.replies.turns[turn.number]
    assert told.restarts == (WORKER in victims)
    assert told.said == turn.said
    assert judge(evidence) == []


@pytest.mark.parametrize(
    "victims", [{WORKER}, {CORE_AGENT}, BOTH], ids=["worker", "core_agent", "worker-and-core_agent"]
)
def test_a_turn_whose_processes_die_after_its_booking_books_once(
    scene: Scene, victims: Collection[str]
):
    scene.running.clear_desk()
    scene.running.run(book_and_be_killed(scene, victims))
