"""A long conversation on the whole stack: its start is summarised and still known."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import ask
from local.calls.voice_call import VoiceCall
from local.demo.front_desk import FrontDesk
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user, options_for_tests, stack_in_thread

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("summary")]

# Space for 800 characters, of which turns may take 533 before they are summarised.
TOKENS = "200"
QUESTION = "what are your opening hours on friday"


@pytest.fixture
def short_of_room(tmp_path: Path) -> Iterator[RunningStack]:
    options = replace(options_for_tests(tmp_path), parameters={"MemoryTokens": TOKENS})
    with stack_in_thread(options) as running:
        running.run(FrontDesk(running.stack).seed())
        yield running


async def said_to(call: VoiceCall, text: str) -> str:
    """Type ``text``; return the replies to it."""
    return " ".join(turn.said for turn in await ask(call, text, timeout_s=PATIENCE_S))


def header_of(running: RunningStack, user: str) -> dict[str, object]:
    (header,) = (
        item
        for item in running.items("MemoryTable")
        if item["pk"] == {"S": f"user#{user}"} and item["sk"]["S"].startswith("conv#")
    )
    of_conversation = {"S": header["sk"]["S"]}
    summary = [
        item
        for item in running.items("MemoryTable")
        if item["pk"] == of_conversation and item["sk"] == {"S": "summary"}
    ]
    return {
        "summary": summary[0]["summary"]["S"] if summary else "",
        "through": int(summary[0]["through"]["N"]) if summary else 0,
        "turns": int(header["turn_count"]["N"]),
    }


def test_a_fresh_session_knows_the_first_turn_from_the_summary(
    short_of_room: RunningStack,
):
    running, user = short_of_room, new_user("long")

    async def talk() -> None:
        api = await running.api_of(user)
        async with open_voice_call((await api.start_session()).url) as call:
            await call.until_ready()
            await said_to(call, "hello my name is robert")
            for _ in range(9):
                await said_to(call, QUESTION)
            await call.hang_up()

    running.run(talk())
    deadline_s = time.monotonic() + PATIENCE_S
    while not (header := header_of(running, user))["summary"]:
        assert time.monotonic() < deadline_s, "no summary came"
        time.sleep(0.2)

    assert "Robert" in str(header["summary"])
    assert 0 < int(str(header["through"])) < int(str(header["turns"]))
    turns = [item for item in running.items("MemoryTable") if item["sk"]["S"].startswith("turn#")]
    assert len(turns) == header["turns"], "the originals stay"
    of_turns = sum(Decimal(item["cost_usd"]["N"]) for item in turns)
    used = sum(Decimal(day["cost_usd"]["N"]) for day in running.used(user))
    assert used > of_turns, "summing up costs too"

    async def come_back() -> str:
        api = await running.api_of(user)
        async with open_voice_call((await api.start_session()).url) as call:
            await call.until_ready()
            said = await said_to(call, "can you tell me my name")
            await call.hang_up()
        return said

    assert "Robert" in running.run(come_back())
    assert running.run(asyncio.to_thread(header_of, running, user))["turns"] == 11
