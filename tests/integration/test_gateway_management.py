"""The gateway's @connections API behaves as on AWS for boto3's client."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from local.gateway.chaos import ChaosSettings, GatewayChaos
from local.gateway.management import ManagementApi
from local.gateway.settings import GatewaySettings
from local.gateway.websocket_api import WebSocketGateway
from local.hosting.aws_resources import client_options
from local.hosting.servers import serving
from local.template.model import WebSocketApi, WebSocketRoute
from tests.fakes.functions import PATIENCE_S, FakeFunctions, until
from tests.fakes.timers import ManualTimers

pytestmark = pytest.mark.integration


class Endpoint:
    def __init__(self, gateway: WebSocketGateway, functions: FakeFunctions, port: int) -> None:
        self.gateway = gateway
        self.functions = functions
        self.control = f"http://127.0.0.1:{port}/control"
        options = client_options(f"http://127.0.0.1:{port}/local")
        options["config"] = Config(retries={"total_max_attempts": 1})
        self._client: Any = boto3.session.Session().client("apigatewaymanagementapi", **options)

    async def call(self, operation: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(getattr(self._client, operation), **arguments)

    async def error(self, operation: str, **arguments: Any) -> tuple[str, int]:
        with pytest.raises(ClientError) as caught:
            await self.call(operation, **arguments)
        response = caught.value.response
        return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]

    def connection_id(self) -> str:
        return str(self.functions.events["Connect"][-1]["requestContext"]["connectionId"])


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Endpoint]:
    functions = FakeFunctions(
        Connect=lambda _: {"statusCode": 200}, Disconnect=lambda _: {"statusCode": 200}
    )
    settings, chaos = GatewaySettings(), GatewayChaos(ChaosSettings())
    routes = {
        key: WebSocketRoute(key, function, 10_000, has_response=False)
        for key, function in (("$connect", "Connect"), ("$disconnect", "Disconnect"))
    }
    gateway = WebSocketGateway(
        WebSocketApi("Api", "local", "", routes, None),
        functions,
        host="127.0.0.1",
        port=0,
        settings=settings,
        timers=ManualTimers(),
        chaos=chaos,
    )
    management = ManagementApi(gateway.connections, chaos, "local", settings.message_bytes)
    async with (
        asyncio.timeout(PATIENCE_S),
        gateway,
        serving(management.application(), 0) as port,
    ):
        yield Endpoint(gateway, functions, port)


def test_a_post_reaches_the_client_as_text():
    async def run() -> Any:
        async with running() as endpoint, connect(endpoint.gateway.url) as socket:
            connection_id = endpoint.connection_id()
            await endpoint.call(
                "post_to_connection", ConnectionId=connection_id, Data="grüße".encode()
            )
            await endpoint.call(
                "post_to_connection", ConnectionId=connection_id, Data=b"x" * 131_072
            )
            return await socket.recv(), len(await socket.recv())

    assert asyncio.run(run()) == ("grüße", 131_072)


def test_unknown_and_closed_connections_are_gone():
    async def run() -> Any:
        async with running() as endpoint:
            async with connect(endpoint.gateway.url):
                pass
            await until(lambda: not endpoint.gateway.connections.all())
            gone = [
                await endpoint.error(operation, ConnectionId=connection_id, **data)
                for connection_id in (endpoint.connection_id(), "unknown=")
                for operation, data in (
                    ("post_to_connection", {"Data": b"x"}),
                    ("get_connection", {}),
                    ("delete_connection", {}),
                )
            ]
            return set(gone)

    assert asyncio.run(run()) == {("GoneException", 410)}


def test_a_payload_over_128_kb_is_refused():
    async def run() -> Any:
        async with running() as endpoint, connect(endpoint.gateway.url):
            return await endpoint.error(
                "post_to_connection", ConnectionId=endpoint.connection_id(), Data=b"x" * 131_073
            )

    assert asyncio.run(run()) == ("PayloadTooLargeException", 413)


def test_a_connection_can_be_described_and_closed():
    async def run() -> Any:
        async with (
            running() as endpoint,
            connect(endpoint.gateway.url, user_agent_header="a-test") as socket,
        ):
            connection_id = endpoint.connection_id()
            described = await endpoint.call("get_connection", ConnectionId=connection_id)
            await endpoint.call("delete_connection", ConnectionId=connection_id)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            await endpoint.functions.wait_until_called("Disconnect")
            return described, await endpoint.error("get_connection", ConnectionId=connection_id)

    described, after = asyncio.run(run())
    assert described["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "a-test"}
    assert described["ConnectedAt"].timestamp() == 1_800_000_000
    assert after == ("GoneException", 410)


def test_faults_are_set_while_the_gateway_runs():
    async def run() -> Any:
        async with (
            running() as endpoint,
            connect(endpoint.gateway.url),
            aiohttp.ClientSession() as http,
        ):
            wanted = {"seed": 9, "throttle_probability": 1.0}
            async with http.put(f"{endpoint.control}/chaos", json=wanted) as response:
                accepted = response.status
            async with http.put(f"{endpoint.control}/chaos", json={"sed": 1}) as response:
                refused = response.status
            async with http.get(f"{endpoint.control}/chaos") as response:
                shown = await response.json()
            error = await endpoint.error(
                "post_to_connection", ConnectionId=endpoint.connection_id(), Data=b"x"
            )
            return accepted, refused, shown, error

    accepted, refused, shown, error = asyncio.run(run())
    assert (accepted, refused) == (200, 400)
    assert (shown["seed"], shown["throttle_probability"]) == (9, 1.0)
    assert error == ("LimitExceededException", 429)


def test_a_line_can_be_cut_without_a_close_frame():
    async def run() -> Any:
        async with (
            running() as endpoint,
            connect(endpoint.gateway.url) as socket,
            aiohttp.ClientSession() as http,
        ):
            async with http.get(f"{endpoint.control}/connections") as response:
                (listed,) = await response.json()
            path = f"{endpoint.control}/connections/{listed['id']}/drop"
            async with http.post(path) as response:
                assert response.status == 200
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            (event,) = await endpoint.functions.wait_until_called("Disconnect")
            return socket.close_code, event["requestContext"]["disconnectStatusCode"]

    assert asyncio.run(run()) == (1006, 1006)
