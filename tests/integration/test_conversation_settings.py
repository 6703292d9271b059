"""The settings of ``make up SET=…`` have their effects on the whole stack."""

import asyncio
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local.calls.opening import open_voice_call
from local.gemini.live.records import read_events
from local.lambdas.code_changes import CodeChange
from local.stack import PROJECT
from local.stack.template_settings import parse_settings
from repartee_client.errors import AccessRefusedError
from tests.fakes.functions import until
from tests.integration.running import RunningStack, new_user, options_for_tests, stack_in_thread
from tests.integration.typed_text import hear, write

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("settings")]

PAGE = "http://localhost:3000"
SETTINGS = (
    "Language=es-ES MaxSessionsPerUser=1 LingerSeconds=1 "
    f"TurnDetection=client AllowedOrigins={PAGE},https://app.example"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("settings") / "template.yaml"
    return Path(shutil.copy(PROJECT / "template.yaml", copy))


@pytest.fixture(scope="module")
def changes() -> list[CodeChange]:
    return []


@pytest.fixture(scope="module")
def adjusted(template: Path, changes: list[CodeChange]) -> Iterator[RunningStack]:
    options = replace(
        options_for_tests(template.parent / "run"),
        template=template,
        parameters=parse_settings(SETTINGS),
        prewarm={},
        code_changed=changes.append,
    )
    with stack_in_thread(options) as running:
        yield running


def workers(running: RunningStack) -> list[str]:
    return [one.state for one in running.stack.lambdas.environments("StreamAgentFunction")]


def test_a_page_of_an_allowed_origin_calls_both_apis(adjusted: RunningStack) -> None:
    addresses = adjusted.stack.addresses

    async def call_as(origin: str) -> dict[str, Any]:
        page = {"Origin": origin}
        asked = {"Access-Control-Request-Method": "POST"}
        async with aiohttp.ClientSession(headers=page) as http:
            async with http.options(f"{addresses.http}/sessions", headers=asked) as preflight:
                assert preflight.status == 204
                headers = preflight.headers
            form = {"user": new_user("page")}
            async with http.post(f"{addresses.issuer}/token", data=form) as token:
                may_read_token = token.headers.get("Access-Control-Allow-Origin")
                bearer = {"Authorization": f"Bearer {(await token.json())['access_token']}"}
            async with http.post(f"{addresses.http}/sessions", headers=bearer) as session:
                may_read_session = session.headers.get("Access-Control-Allow-Origin")
                url = (await session.json())["url"]
        try:
            async with open_voice_call(url, origin=origin) as call:
                await call.until_ready()
            connected = 101
        except AccessRefusedError as refused:
            connected = refused.status
        return {
            "preflight": headers.get("access-control-allow-origin"),
            "headers": headers.get("access-control-allow-headers"),
            "reads": {may_read_token, may_read_session},
            "connected": connected,
        }

    assert adjusted.run(call_as(PAGE)) == {
        "preflight": PAGE,
        "headers": "authorization,content-type",
        "reads": {PAGE},
        "connected": 101,
    }
    assert adjusted.run(call_as("https://elsewhere.example")) == {
        "preflight": None,
        "headers": None,
        "reads": {None},
        "connected": 403,
    }


def test_a_user_has_one_session_in_the_language_and_an_idle_worker_leaves_soon(
    adjusted: RunningStack, template: Path, changes: list[CodeChange]
) -> None:
    template.write_text(template.read_text() + "\n")

    async def talk() -> int:
        api = await adjusted.api_of(new_user("ada"))
        first, second = await api.start_session(), await api.start_session()
        async with open_voice_call(first.url, features=first.features) as call:
            await write(call, "hola")
            await hear(call, "Hola, ¿en qué puedo ayudarle?")
            with pytest.raises(AccessRefusedError) as refused:
                async with open_voice_call(second.url):
                    pass
            # With the template's 30 s the worker would still be waiting.
            async with asyncio.timeout(20):
                await until(lambda: "busy" not in workers(adjusted))
        await api.start_session()
        return refused.value.status

    assert adjusted.run(talk()) == 429
    # The worker has waited longer than the interval between two scans.
    assert changes == [CodeChange((), (), {}, (), (template,))]
    simulator = adjusted.stack.simulator
    assert simulator is not None
    # The newest record may be that of another session, whose worker was slower to connect.
    records = [read_events(folder) for folder in simulator.record_directory.iterdir()]
    (answered, *_) = [one for one in records if any(event["kind"] == "typed" for event in one)]
    (setup,) = [event for event in answered if event["kind"] == "setup"]
    assert "Speak Spanish (es-ES)." in str(setup)
    assert "'automatic_activity_detection': {'disabled': True}" in str(setup)
