"""The operator stops all calls: ten sessions end politely within 5 s, and so does Gemini."""

import asyncio
import json
import ssl
import time
import urllib.request
from contextlib import AsyncExitStack

import pytest

from local.calls.opening import open_voice_call
from local.calls.voice_call import VoiceCall
from local.stack.running import write_addresses
from ops import calls
from ops.stack_access import local_stack
from repartee_client.access import HttpApiClient
from repartee_client.errors import AccessRefusedError
from repartee_client.events import Closed, Problem
from repartee_client.protocol.frames import Answer, Frame
from tests.fakes.functions import PATIENCE_S
from tests.integration.running import RunningStack, new_user
from tests.integration.typed_text import turns, write

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]

TALKERS = 10
ENDED_WITHIN_S = 5.0


def open_gemini_sessions(running: RunningStack) -> int:
    simulator = running.stack.simulator
    assert simulator is not None
    context = ssl.create_default_context(cafile=str(simulator.ca_file))
    with urllib.request.urlopen(f"{simulator.url}/control/health", context=context) as answer:  # noqa: S310
        return int(json.load(answer)["open_connections"])


def turn_switch(running: RunningStack, action: str, monkeypatch: pytest.MonkeyPatch) -> int:
    write_addresses(running.stack)
    stack = local_stack(running.stack.run_directory)
    monkeypatch.setattr(calls, "open_stack", lambda _environment: stack)
    return calls.main([action, "--yes"])


def test_a_stop_ends_ten_talking_sessions_politely_and_closes_gemini(
    running: RunningStack, monkeypatch: pytest.MonkeyPatch
):
    frames: list[list[Frame | Answer]] = [[] for _ in range(TALKERS)]

    async def talking(api: HttpApiClient, number: int, calls_open: AsyncExitStack) -> VoiceCall:
        ticket = await api.start_session()
        call = await calls_open.enter_async_context(
            open_voice_call(ticket.url, listener=lambda _, frame: frames[number].append(frame))
        )
        await write(call, "Hello!")
        await call.until(
            lambda: any(one.is_over for one in turns(call)),
            timeout_s=PATIENCE_S,
            what="the answer to a greeting",
        )
        return call

    async def scene() -> tuple[list[float], int, int]:
        apis = [await running.api_of(new_user("talker")) for _ in range(TALKERS)]
        async with AsyncExitStack() as calls_open:
            opened = [talking(api, number, calls_open) for number, api in enumerate(apis)]
            talkers = await asyncio.gather(*opened)
            before = await asyncio.to_thread(open_gemini_sessions, running)
            for call in talkers[::2]:
                await write(call, "Hello again!")
            stopped_at_s = time.monotonic()
            await asyncio.to_thread(turn_switch, running, "stop", monkeypatch)

            async def ended(call: VoiceCall) -> float:
                await call.until(lambda: call.session.closed, timeout_s=PATIENCE_S, what="closed")
                return time.monotonic() - stopped_at_s

            took_s = await asyncio.gather(*(ended(call) for call in talkers))
            after = before
            while after and time.monotonic() - stopped_at_s < ENDED_WITHIN_S:
                after = await asyncio.to_thread(open_gemini_sessions, running)
            with pytest.raises(AccessRefusedError) as refused:
                await apis[0].start_session()
            assert refused.value.status == 503
            assert "the operator has stopped all calls" in str(refused.value)
        return took_s, before, after

    try:
        took_s, before, after = running.run(scene())
    finally:
        turn_switch(running, "allow", monkeypatch)

    assert max(took_s) < ENDED_WITHIN_S
    assert before >= TALKERS
    assert after == 0
    for heard in frames:
        (goodbye,) = [one for one in heard if isinstance(one, Problem)]
        assert goodbye.code == "calls_stopped"
        assert "call again later" in goodbye.message
        assert heard[-1] == Closed("stopped")

    async def calls_again() -> None:
        await (await running.api_of(new_user("talker"))).start_session()

    running.run(calls_again())
