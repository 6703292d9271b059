"""Asking for a summary and looking for it, on behalf of a running session."""

import asyncio
from dataclasses import replace

import pytest

from repartee.application.serving.table_lane import request_or_read_summary
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SummaryFold, SummaryRequest
from repartee.domain.session.effects import AskForSummary, ReadSummary
from repartee.domain.session.events import SummaryRead
from tests.fakes.conversation_store import FakeConversationStore
from tests.unit.application.serving.worker_harness import CONVERSATION, SESSION, USER, WorkerHarness
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit


def remember(scene: WorkerHarness, *turns: Turn) -> None:
    tables = scene.tables
    header = tables.conversations[USER, CONVERSATION]
    tables.conversations[USER, CONVERSATION] = replace(header, turn_count=len(turns))
    tables.turns[CONVERSATION] = {turn.number: turn for turn in turns}


def turn(number: int, characters: int) -> Turn:
    return Turn(number, SESSION, 0, 0, heard="h", said="s" * (characters - 1))


@in_virtual_time
async def test_a_worker_whose_conversation_outgrows_the_budget_asks_for_a_summary_once():
    scene = WorkerHarness()
    remember(scene, turn(1, 3_000), turn(2, 3_000))
    serving = scene.serve()
    await scene.one_turn()
    await scene.until(lambda: scene.summaries.requests)
    assert await serving is not None
    assert scene.summaries.requests == [SummaryRequest(USER, CONVERSATION, SESSION)]
    assert scene.tables.conversations[USER, CONVERSATION].turn_count == 3


@in_virtual_time
async def test_a_request_that_cannot_be_queued_leaves_the_session_as_it_is():
    scene = WorkerHarness()
    scene.summaries.failing = True
    remember(scene, turn(1, 3_000), turn(2, 3_000))
    serving = scene.serve()
    await scene.one_turn()
    await serving
    assert scene.tables.conversations[USER, CONVERSATION].turn_count == 3


@in_virtual_time
async def test_a_summary_is_passed_on_with_its_last_turn():
    scene = WorkerHarness()
    remember(scene, turn(1, 10), turn(2, 10))
    assert FakeConversationStore(scene.tables).fold_summary(
        SummaryFold(USER, CONVERSATION, 0, 1, "Ann called.")
    )
    read = request_or_read_summary(ReadSummary(), scene.ports, scene.state())
    assert read == SummaryRead("Ann called.", 1)
    assert request_or_read_summary(AskForSummary(), scene.ports, scene.state()) is None
    await asyncio.sleep(0)
