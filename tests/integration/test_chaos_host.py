"""The faults that a campaign can cause in the Lambda host."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.hosting.servers import serving
from local.lambdas.event_queue import EventSettings
from local.lambdas.host import LambdaHost
from local.lambdas.hosting_types import FunctionCode, HostedFunction, ThrottledError
from local.lambdas.invoke_api import InvokeApi
from local.template.model import EventInvokeConfig, Function, function_arn
from tests.fakes.functions import PATIENCE_S, until

pytestmark = pytest.mark.integration

HANDLERS = Path(__file__).resolve().parent.parent / "fixtures" / "lambdas"


def hosted(handler: str) -> HostedFunction:
    function = Function(
        logical_id="Sample",
        arn=function_arn("local-sample"),
        handler=handler,
        timeout_s=60,
        memory_mb=256,
        environment={},
        reserved_concurrency=None,
        event_invoke=EventInvokeConfig(),
        log_format="Text",
    )
    return HostedFunction(function, FunctionCode(HANDLERS, (HANDLERS,)))


async def answer(host: LambdaHost) -> Any:
    return json.loads((await host.invoke("Sample", b"{}")).payload)


def test_a_function_can_be_given_another_remaining_time(tmp_path: Path):
    async def run() -> list[int]:
        async with (
            asyncio.timeout(PATIENCE_S),
            LambdaHost([hosted("sample.echo")], tmp_path) as host,
        ):
            found = [(await answer(host))["remaining_ms"]]
            host.override_timeout("Sample", 900.0)
            found.append((await answer(host))["remaining_ms"])
            host.override_timeout("Sample", None)
            return [*found, (await answer(host))["remaining_ms"]]

    before, told, after = asyncio.run(run())
    assert before <= 60_000
    assert 60_000 < told <= 900_000
    assert after <= 60_000


def test_events_are_doubled_on_request_and_counted(tmp_path: Path):
    async def run() -> tuple[int, int]:
        async with (
            asyncio.timeout(PATIENCE_S),
            LambdaHost([hosted("sample.echo")], tmp_path) as host,
        ):
            host.invoke_event("Sample", b"{}")
            await until(lambda: len(host.reports) == 1)
            before = host.events.duplicate_count
            host.events.settings = EventSettings(duplicate_probability=1, duplicate_delay_s=0)
            host.invoke_event("Sample", b"{}")
            await until(lambda: len(host.reports) == 3)
            return before, host.events.duplicate_count

    assert asyncio.run(run()) == (0, 1)


def test_the_sdk_identifies_the_calling_environment(tmp_path: Path):
    async def run() -> Any:
        async with (
            asyncio.timeout(PATIENCE_S),
            LambdaHost([hosted("sample.environment")], tmp_path) as host,
        ):
            variables = (await answer(host))["environment"]
            (environment,) = host.environments()
            return variables["AWS_SDK_UA_APP_ID"], environment.environment_id

    told, own = asyncio.run(run())
    assert told == own


def test_a_function_can_be_left_without_room_for_a_while(tmp_path: Path):
    async def run() -> bool:
        async with (
            asyncio.timeout(PATIENCE_S),
            LambdaHost([hosted("sample.echo")], tmp_path) as host,
        ):
            host.set_concurrency("Sample", 0)
            with pytest.raises(ThrottledError):
                await host.invoke("Sample", b"{}")
            host.set_concurrency("Sample", None)
            return (await host.invoke("Sample", b"{}")).function_error is None

    assert asyncio.run(run())


def test_an_invocation_returns_after_the_watcher_has_seen_it(tmp_path: Path):
    async def run() -> list[tuple[str, bytes]]:
        seen: list[tuple[str, bytes]] = []

        async def watch(function: str, payload: bytes) -> None:
            await asyncio.sleep(0)
            seen.append((function, payload))

        async with (
            asyncio.timeout(PATIENCE_S),
            LambdaHost([hosted("sample.echo")], tmp_path) as host,
            serving(InvokeApi(host).application(), 0) as port,
            aiohttp.ClientSession() as client,
        ):
            host.watch_event = watch
            url = f"http://127.0.0.1:{port}/2015-03-31/functions/Sample/invocations"
            for kind, payload in (("Event", b'{"hop": 1}'), ("RequestResponse", b"{}")):
                headers = {"X-Amz-Invocation-Type": kind}
                async with client.post(url, data=payload, headers=headers) as response:
                    assert response.status in {200, 202}
            return seen

    assert asyncio.run(run()) == [("Sample", b'{"hop": 1}')]
