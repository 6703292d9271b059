"""A worker that is frozen, replaced and resumed neither writes nor reaches the client."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from local.demo.front_desk import FrontDesk
from local.hosting.table_faults import TableFaultProxy
from local.stack import Stack
from tests.chaos.judgement.oracle import judge
from tests.fakes.functions import until
from tests.integration.running import (
    RunningStack,
    options_for_tests,
    recordings,
    stack_in_thread,
)
from tests.integration.witnessed_session import WitnessedSession, open_witnessed_session

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stale")]

WORKER = "StreamAgentFunction"


@dataclass(frozen=True)
class Scene:
    running: RunningStack
    tables: TableFaultProxy

    def remembered(self) -> object:
        """Return every item that outlives the session."""
        return [self.running.items(table) for table in ("MemoryTable", "DeskTable")]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Start a stack on which a reply is long enough to freeze its worker in the middle."""
    tables = TableFaultProxy()
    options = replace(
        options_for_tests(tmp_path_factory.mktemp("stale")),
        gemini_arguments=("--speed", "4"),
        table_faults=tables,
    )
    with stack_in_thread(options) as running:
        running.run(FrontDesk(running.stack).seed())
        yield Scene(running, tables)


class Freezer:
    """Freezes the worker that holds the lease, at the first call of ``strike``."""

    def __init__(self, talk: WitnessedSession) -> None:
        self.frozen = ""
        self.epoch = 0
        self.had_ended = False
        self.had_remembered = 0
        self._talk = talk

    def strike(self) -> None:
        """Freeze the worker now."""
        if self.frozen:
            return
        talk = self._talk
        self.frozen, self.epoch = talk.watch.holders[-1], talk.record.epoch
        talk.stack.lambdas.stop(self.frozen)
        self.had_ended = bool(talk.record.ended_at_ms)
        self.had_remembered = talk.watch.remembered


def ended_invocations(stack: Stack, environment: str) -> int:
    return sum(report.environment_id == environment for report in stack.lambdas.reports)


async def freeze_replace_wake(scene: Scene, moment: str) -> None:
    stack = scene.running.stack
    greeting, _, question = recordings("default")
    async with open_witnessed_session(stack, scene.tables, "stale") as talk:
        freezer, watch = Freezer(talk), talk.watch
        if moment == "reply":
            talk.record.on_audio = freezer.strike
        else:
            talk.record.on_turn_end = freezer.strike
        await talk.exchange(greeting)
        stale = freezer.frozen
        assert stale
        # The worker owed the rest of its reply, or only the commit of a reply that was played.
        assert freezer.had_ended is (moment == "commit")
        assert freezer.had_remembered == 0

        await talk.exchange(question)
        await watch.until(lambda: watch.remembered == 2)
        # On a busy machine a successor may lose its lease too, and have its own successor.
        assert watch.holders[1:]
        assert stale not in watch.holders[1:]
        assert talk.record.epoch > freezer.epoch

        invocations, writes = ended_invocations(stack, stale), len(watch.writes)
        remembered = await asyncio.to_thread(scene.remembered)
        stack.lambdas.resume(stale)
        await until(lambda: ended_invocations(stack, stale) > invocations)
        by_stale = [name for caller, name in watch.writes[writes:] if caller == stale]
        assert by_stale == []
        assert await asyncio.to_thread(scene.remembered) == remembered
        assert stale not in watch.holders[1:]

        # The session is served as before.
        await talk.exchange(greeting)
        await talk.hang_up()
    evidence = await talk.evidence(stale_writes=by_stale)
    assert talk.record.stale_frames_accepted == 0
    assert judge(evidence) == []


@pytest.mark.parametrize("moment", ["reply", "commit"])
def test_a_stale_worker_writes_nothing_and_its_output_is_not_played(scene: Scene, moment: str):
    scene.running.run(freeze_replace_wake(scene, moment))
