"""The local WebSocket gateway, alone, with functions that run inside the test."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.gateway.chaos import ChaosSettings, GatewayChaos
from local.gateway.settings import GatewaySettings
from local.gateway.websocket_api import WebSocketGateway
from local.template.model import RequestAuthorizer, WebSocketApi, WebSocketRoute
from tests.fakes.functions import PATIENCE_S, FakeFunctions
from tests.fakes.timers import ManualTimers

OK = {"statusCode": 200}


def policy(effect: str = "Allow", resource: str | None = None, **context: Any):
    def authorize(event):
        statement = {
            "Effect": effect,
            "Action": "execute-api:Invoke",
            "Resource": resource or event["methodArn"],
        }
        return {
            "principalId": "ada",
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": context,
        }

    return authorize


def api(*, more_routes: tuple[str, ...] = (), response: bool = False, secured: bool = True):
    functions = {"$connect": "Connect", "$default": "Message", "$disconnect": "Disconnect"}
    functions |= {route: route.capitalize() for route in more_routes}
    return WebSocketApi(
        logical_id="WebSocketApi",
        stage="local",
        route_selection_expression="$request.body.type",
        routes={
            key: WebSocketRoute(key, function, 10_000, has_response=response)
            for key, function in functions.items()
        },
        authorizer=RequestAuthorizer("Authorizer", ("route.request.querystring.ticket",))
        if secured
        else None,
    )


class RunningGateway:
    def __init__(self, gateway: WebSocketGateway, functions: FakeFunctions, timers: ManualTimers):
        self.gateway = gateway
        self.functions = functions
        self.timers = timers

    @contextlib.asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[ClientConnection]:
        url = f"{self.gateway.url}?ticket=t1"
        options.setdefault("compression", None)
        async with connect(options.pop("url", url), ping_interval=None, **options) as socket:
            yield socket

    async def refusal(self, url: str | None = None) -> tuple[int, dict[str, Any]]:
        with pytest.raises(InvalidStatus) as caught:
            async with self.client(url=url or f"{self.gateway.url}?ticket=t1"):
                pass
        response = caught.value.response
        return response.status_code, json.loads(response.body or b"{}")

    def connection_id(self) -> str:
        return str(self.functions.events["Connect"][-1]["requestContext"]["connectionId"])


@contextlib.asynccontextmanager
async def running(
    wired: WebSocketApi | None = None,
    chaos: ChaosSettings | None = None,
    settings: GatewaySettings | None = None,
    **handlers: Any,
) -> AsyncIterator[RunningGateway]:
    usual = {
        "Authorizer": policy(user="ada"),
        "Connect": lambda _: OK,
        "Message": lambda _: OK,
        "Disconnect": lambda _: OK,
    }
    functions = FakeFunctions(**{**usual, **handlers})
    timers = ManualTimers()
    gateway = WebSocketGateway(
        wired or api(),
        functions,
        host="127.0.0.1",
        port=0,
        settings=settings or GatewaySettings(),
        timers=timers,
        chaos=GatewayChaos(chaos or ChaosSettings()),
    )
    async with asyncio.timeout(PATIENCE_S), gateway:
        yield RunningGateway(gateway, functions, timers)


async def closed(socket: ClientConnection) -> tuple[int | None, str]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code, socket.close_reason or ""
