"""A client that floods its session and leaves costs little: the worker does not answer."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from repartee_client.access import SessionTicket
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user, options_for_tests, stack_in_thread

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stale")]

GRACE_S = 2
MESSAGES = 1_000
# A cost that a user would notice on the day's bill.
MAX_USD = 0.20


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    options = options_for_tests(tmp_path_factory.mktemp("flood"))
    with stack_in_thread(replace(options, parameters={"GraceSeconds": str(GRACE_S)})) as running:
        yield running


async def flood(ticket: SessionTicket) -> Counter[str]:
    """Send numbered texts as fast as possible, and cut the line; return the answers."""
    answers = Counter[str]()
    async with connect(ticket.url, max_queue=None) as line:
        with suppress(ConnectionClosed, TimeoutError):
            await line.send(json.dumps({"type": "hello", "seq": 1, "protocol": 1}))
            for seq in range(2, MESSAGES + 2):
                text = {"type": "text", "seq": seq, "text": f"Is the slot {seq} free?"}
                await line.send(json.dumps(text))
        with suppress(ConnectionClosed, TimeoutError):
            while True:
                frame = json.loads(await asyncio.wait_for(line.recv(), 2))
                answers[frame.get("code", frame["type"])] += 1
        line.transport.abort()
    return answers


def test_a_flood_of_an_absent_client_costs_little_and_keeps_no_worker(running: RunningStack):
    user = new_user("flooder")

    async def start() -> SessionTicket:
        return await (await running.api_of(user)).start_session()

    ticket = running.run(start())
    answers = running.run(flood(ticket))
    gone_at_s = time.monotonic()
    until_nobody_serves(running, ticket.session_id)

    assert time.monotonic() - gone_at_s <= GRACE_S + 10
    assert answers["too_many_errors"] == 1
    (day,) = running.used(user)
    assert float(day["cost_usd"]["N"]) < MAX_USD


def until_nobody_serves(running: RunningStack, session_id: str) -> None:
    """Wait until the session's worker has released its lease."""
    key = {"pk": {"S": f"session#{session_id}"}, "sk": {"S": "state"}}
    name, tables = running.stack.table_names["LiveTable"], running.dynamodb()
    give_up_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at_s:
        state = tables.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
        if "lease_owner" not in state:
            return
        time.sleep(0.1)
    raise AssertionError("a worker still serves nobody")
