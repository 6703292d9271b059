"""Users who are erased in the middle of a call, wholly or only what they are saying: nothing stays
or comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest

from local.calls.opening import open_voice_call
from local.calls.utterances import Pace, say
from local.calls.voice_call import VoiceCall
from repartee_client.access import HttpApiClient
from repartee_client.errors import AccessRefusedError, VoiceClientError
from repartee_client.events import ToolUsed
from repartee_client.protocol.frames import Answer, Frame
from repartee_client.recordings import read_wav
from tests.fakes.functions import until
from tests.integration.running import RunningStack, new_user, recordings

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

TABLES = ("MemoryTable", "LiveTable", "DeskTable")
# A worker that lost its lease ends within 5 s; core_agent's answer takes less.
QUIET_S = 6.0
CHUNK = bytes(6_400)


class Erased:
    """A user with a call, and the user's items in the tables."""

    def __init__(self, running: RunningStack, name: str) -> None:
        self.running = running
        self.user = new_user(name)
        self.names = {self.user}
        self.path = "/me"
        self.conversation_id = ""
        self.status = 0
        self.answer: dict[str, object] = {}

    def know(self) -> None:
        """Record every id that the user's items lead to."""
        for item in self.running.items("LiveTable"):
            partition, sort = item["pk"]["S"], item["sk"]["S"]
            if partition == f"user#{self.user}" and sort.startswith("opening#"):
                self.names |= {sort.removeprefix("opening#"), item["session_id"]["S"]}
        for item in self.running.items("MemoryTable"):
            partition, sort = item["pk"]["S"], item["sk"]["S"]
            if partition == f"user#{self.user}" and sort.startswith("conv#"):
                self.conversation_id = sort.removeprefix("conv#")
                self.names.add(self.conversation_id)

    def places(self) -> list[tuple[str, str]]:
        """Return the places at which an item names the user or one of the user's ids."""
        return [
            (item["pk"]["S"], item["sk"]["S"])
            for table in TABLES
            for item in self.running.items(table)
            if any(name in repr(item) for name in self.names)
        ]

    async def export(self, api: HttpApiClient) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {api.token}"}
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{api.url}/me/export", headers=headers) as response,
        ):
            export: dict[str, Any] = await response.json(content_type=None)
            return export

    async def erase(self, api: HttpApiClient) -> None:
        headers = {"authorization": f"Bearer {api.token}"}
        async with (
            aiohttp.ClientSession() as client,
            client.delete(f"{api.url}{self.path}", headers=headers) as response,
        ):
            self.status = response.status
            self.answer = await response.json(content_type=None)


@contextlib.asynccontextmanager
async def in_the_middle_of_a_call(erased: Erased) -> AsyncIterator[tuple[VoiceCall, HttpApiClient]]:
    """Start a call with one finished turn, a running core_agent and continuous audio."""
    api = await erased.running.api_of(erased.user)
    ticket = await api.start_session()
    asked = asyncio.Event()

    def listen(_at_ms: float, event: Frame | Answer) -> None:
        if isinstance(event, ToolUsed) and event.phase == "started":
            asked.set()

    greeting, booking = (read_wav(one.wav) for one in recordings("default")[:2])
    async with open_voice_call(ticket.url, listener=listen) as call:
        await say(call, greeting, pace=Pace.FAST)

        async def talk_on() -> None:
            with contextlib.suppress(VoiceClientError):
                await say(call, booking, pace=Pace.FAST)
            while True:
                call.session.audio(CHUNK)
                call.flush()
                await asyncio.sleep(0.05)

        talking = asyncio.create_task(talk_on())
        try:
            async with asyncio.timeout(60):
                await asked.wait()
            erased.know()
            yield call, api
        finally:
            talking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await talking


async def kill_http_api(running: RunningStack) -> int:
    """Kill every busy process of the HTTP API; return how many."""
    host = running.stack.lambdas
    busy = [one for one in host.environments("HttpApiFunction") if one.state == "busy"]
    for one in busy:
        await host.kill(one.environment_id)
    return len(busy)


async def settled(erased: Erased, api: HttpApiClient) -> None:
    """Repeat the request until the erasure is finished, as a client does."""
    async with asyncio.timeout(60):
        while erased.status != HTTPStatus.OK:
            await erased.erase(api)
            if erased.status != HTTPStatus.OK:
                await asyncio.sleep(2)


def test_an_erasure_during_a_call_leaves_nothing(running: RunningStack):
    """Erases one user, with a process that is killed half-way, and one conversation of another."""
    killed, said = Erased(running, "killed"), Erased(running, "said")

    async def erase_both() -> tuple[str, str]:
        async with (
            in_the_middle_of_a_call(killed) as (killed_call, killed_api),
            in_the_middle_of_a_call(said) as (said_call, said_api),
        ):
            export = await said.export(said_api)
            (exported,) = export["conversations"]
            assert exported["conversation_id"] == said.conversation_id
            assert [turn["number"] for turn in exported["turns"]] == [1]
            assert exported["turns"][0]["said"]["text"]
            assert export["account"]["usage_total"]["turns"] == 1
            assert not any(name in repr(export) for name in killed.names)
            said.path = f"/conversations/{said.conversation_id}"
            late = await said_api.start_session(conversation_id=said.conversation_id)
            first_try = asyncio.create_task(killed.erase(killed_api))
            # The call is closed now, and the deletion is running or waiting for its last look.
            await until(lambda: killed_call.session.closed is not None)
            assert await kill_http_api(running) >= 1
            await first_try
            assert killed.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            async with asyncio.TaskGroup() as group:
                group.create_task(settled(killed, killed_api))
                group.create_task(settled(said, said_api))
            assert (await killed.export(killed_api))["code"] == "user_erased"
            with pytest.raises(AccessRefusedError, match="user_erased"):
                await killed_api.start_session()
            with pytest.raises(AccessRefusedError, match="403"):
                async with open_voice_call(late.url):
                    pass
            with pytest.raises(AccessRefusedError, match="conversation_unknown"):
                await said_api.start_session(conversation_id=said.conversation_id)
            export = await said.export(said_api)
            assert export["conversations"] == []
            assert export["account"]["usage_total"]["turns"] >= 1
            assert killed_call.session.closed is not None
            assert said_call.session.closed is not None
            return killed_call.session.closed.reason, said_call.session.closed.reason

    assert running.run(erase_both()) == ("erased", "erased")

    for erased, ended in ((killed, ("conversations", "sessions")), (said, ("sessions",))):
        assert len(erased.names) >= 4, "user, session, conversation and connection"
        assert erased.answer["finished"] is True
        deleted = erased.answer["deleted"]
        assert isinstance(deleted, dict)
        assert {deleted[kind] for kind in (*ended, "openings")} == {1}
        assert deleted["turns"] >= 1
    running.run(asyncio.sleep(QUIET_S))
    assert killed.places() == [(f"user#{killed.user}", "profile")]
    # The conversation's tombstone and the user's other items stay, perhaps with an appointment.
    kept = [
        (partition.partition("#")[0], sort.partition("#")[0]) for partition, sort in said.places()
    ]
    mine = {sort for partition, sort in kept if partition == "user"}
    assert mine - {"booking", "profile"} == {"conv", "usage", "sessions"}
    assert {partition for partition, _ in kept} <= {"user", "day"}
