"""Scaled time limits in the Lambda host, the Gemini simulator and the gateway."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.genai.errors import APIError

from local.gateway.settings import GatewaySettings
from local.lambdas.host import LambdaHost
from local.lambdas.hosting_types import HostedFunction
from tests.fakes.functions import PATIENCE_S, until
from tests.fakes.timers import ManualTimers
from tests.integration.simulator_process import Turn, next_message, receive, running_simulator
from tests.integration.test_chaos_host import hosted

pytestmark = pytest.mark.integration

SCALE = 20.0


def scaled(handler: str, *, timeout_s: int) -> HostedFunction:
    plain = hosted(handler)
    function = replace(plain.function, timeout_s=timeout_s)
    return replace(plain, function=function, time_scale=SCALE)


def test_a_function_gets_scaled_time_and_is_killed_after_its_real_time(tmp_path: Path):
    async def run() -> tuple[int, Any]:
        timers = ManualTimers()
        echo = scaled("sample.echo", timeout_s=6_000)
        async with asyncio.timeout(PATIENCE_S), LambdaHost([echo], tmp_path / "echo") as host:
            told = json.loads((await host.invoke("Sample", b"{}")).payload)["remaining_ms"]
        held = scaled("sample.hold", timeout_s=60)
        async with asyncio.timeout(PATIENCE_S), LambdaHost([held], tmp_path, timers=timers) as host:
            event = json.dumps({"until": str(tmp_path / "never")}).encode()
            holding = asyncio.create_task(host.invoke("Sample", event))
            await until(lambda: 60 / SCALE in timers.waits_s())
            timers.advance(60 / SCALE)
            result = await holding
            return told, json.loads(result.payload)["errorType"]

    told_ms, error = asyncio.run(run())
    # Far more than the 300 s of real time, of which the start of a process takes some.
    assert 3_000_000 < told_ms <= 6_000_000
    assert error == "Sandbox.Timedout"


def test_geminis_connections_age_faster_and_go_aways_have_scaled_time(tmp_path: Path):
    async def call(simulator: Any) -> tuple[str | None, int]:
        async with simulator.connect() as session:
            go_away = await next_message(session, "go_away")
            with pytest.raises(APIError) as closed:
                await receive(session, Turn())
            return go_away.time_left, closed.value.code

    arguments = ("--connection-age-s", "600", "--go-away-s", "60", "--time-scale", "1200")
    with running_simulator(tmp_path, *arguments) as simulator:
        assert asyncio.run(call(simulator)) == ("60s", 1001)


def test_the_gateways_connections_end_earlier_and_its_size_limits_stay():
    scaled = GatewaySettings().scaled(SCALE)
    assert (scaled.life_s, scaled.idle_s) == (360.0, 30.0)
    assert replace(scaled, life_s=7_200.0, idle_s=600.0) == GatewaySettings()
