"""The page through the HTTP API of the stack, as a browser loads it."""

import json
import re
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from local.stack.options import PAGE_DIRECTORY
from tests.integration.running import RunningStack, new_user

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("stack")]


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Any
    body: bytes


@pytest.fixture
def ask(running: RunningStack) -> Any:
    def asked(path: str, method: str = "GET", **headers: str) -> Answer:
        async def request() -> Answer:
            async with (
                aiohttp.ClientSession(running.stack.addresses.http) as http,
                http.request(method, path, headers=headers) as answer,
            ):
                return Answer(answer.status, answer.headers, await answer.read())

        return running.run(request())

    return asked


def test_every_file_that_the_start_page_names_is_served_and_may_be_kept(ask: Any) -> None:
    page = ask("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:href|src|content)="(web/[^"]+)"', page.body.decode())
    assert named
    for address in named:
        web, _, path = address.split("/", 2)
        answer = ask(f"/{address}")
        assert (web, answer.status) == ("web", 200), address
        assert answer.headers["Cache-Control"].endswith("immutable")
        assert answer.body == (PAGE_DIRECTORY / path).read_bytes()


def test_compiled_code_arrives_with_its_bytes_and_length(ask: Any) -> None:
    (wasm, *_) = sorted(PAGE_DIRECTORY.rglob("*.wasm"))
    path = f"/web/current/{wasm.relative_to(PAGE_DIRECTORY)}"
    for accepted in ("gzip", "identity"):
        got = ask(path, **{"Accept-Encoding": accepted})
        headed = ask(path, "HEAD", **{"Accept-Encoding": accepted})

        assert got.headers["Content-Type"] == "application/wasm"
        assert got.headers.get("Content-Encoding", "identity") == accepted
        assert got.body == wasm.read_bytes()
        assert (headed.status, headed.body) == (200, b"")
        assert headed.headers["Content-Length"] == got.headers["Content-Length"]


def test_the_page_may_call_the_addresses_of_the_stack(running: RunningStack, ask: Any) -> None:
    addresses = running.stack.addresses
    sign_in = json.loads(ask("/settings").body)["sign_in"]
    hosts = re.search(r"connect-src ([^;]+)", ask("/").headers["Content-Security-Policy"])
    assert hosts

    assert sign_in["token_url"].startswith(addresses.issuer)
    assert hosts[1].split() == [
        "'self'",
        addresses.websocket.removesuffix("/local"),
        addresses.issuer,
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "other.example"])
def test_the_stack_s_own_page_may_connect(running: RunningStack, host: str) -> None:
    origin = running.stack.addresses.http.replace("127.0.0.1", host)

    async def connecting() -> None:
        ticket = await (await running.api_of(new_user("visitor"))).start_session()
        async with connect(ticket.url, origin=Origin(origin)):
            pass

    if host == "other.example":
        with pytest.raises(InvalidStatus, match="403"):
            running.run(connecting())
    else:
        running.run(connecting())
