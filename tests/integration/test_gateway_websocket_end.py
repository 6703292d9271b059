"""A connection of the local WebSocket API ends as on API Gateway."""

import asyncio
import contextlib
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from local.gateway.chaos import ChaosSettings
from local.gateway.settings import GatewaySettings
from tests.fakes.functions import PATIENCE_S, until
from tests.integration.websocket_gateway import OK, closed, running

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("send", "code"),
    [
        (lambda socket: socket.send(b"binary"), 1003),
        (lambda socket: socket.send("x" * 32_769), 1009),
        (lambda socket: socket.send(["x" * 30_000] * 5), 1009),
    ],
)
def test_a_frame_that_aws_refuses_closes_the_connection(send, code):
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            with contextlib.suppress(ConnectionClosed):
                await send(socket)
            ended = await closed(socket)
            (event,) = await stack.functions.wait_until_called("Disconnect")
            context = event["requestContext"]
            return ended[0], context["disconnectStatusCode"], stack.functions.events["Message"]

    assert asyncio.run(run()) == (code, code, [])


def test_an_idle_connection_is_closed_and_a_message_restarts_the_timer():
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            await stack.timers.until_sleeping(1)
            stack.timers.advance(599)
            await socket.send("still here")
            await stack.functions.wait_until_called("Message")
            stack.timers.advance(2)
            await stack.gateway.connections.post(stack.connection_id(), "me too")
            first = await socket.recv()
            await stack.timers.until_sleeping(1)
            stack.timers.advance(601)
            return first, await closed(socket)

    assert asyncio.run(run()) == ("me too", (1001, "Going away"))


def test_even_a_busy_connection_ends_after_its_longest_life():
    async def run() -> Any:
        settings = GatewaySettings(idle_s=1_000, life_s=1_500)
        async with running(settings=settings) as stack, stack.client() as socket:
            await stack.timers.until_sleeping(1)
            stack.timers.advance(900)
            await socket.send("busy")
            await stack.functions.wait_until_called("Message")
            stack.timers.advance(101)
            await asyncio.sleep(0)
            await stack.timers.until_sleeping(1)
            stack.timers.advance(499)
            return await closed(socket)

    assert asyncio.run(run()) == (1001, "Going away")


def test_messages_over_a_dead_line_are_lost_on_both_sides():
    async def run() -> Any:
        async with running() as stack, stack.client() as socket:
            await socket.send("before")
            await stack.functions.wait_until_called("Message")
            (connection,) = stack.gateway.connections.all()
            connection.break_connection(unnoticed_s=0.1)
            await stack.gateway.connections.post(stack.connection_id(), "lost")
            await socket.send("lost too")
            received = []
            with contextlib.suppress(ConnectionClosed):
                received.append(await socket.recv())
            await stack.functions.wait_until_called("Disconnect")
            return received, len(stack.functions.events["Message"]), socket.close_code

    assert asyncio.run(run()) == ([], 1, 1006)


def test_disconnect_reports_how_the_client_closed():
    async def run() -> Any:
        async with running() as stack:
            async with stack.client() as socket:
                await socket.close(4001, "bye")
            (first,) = await stack.functions.wait_until_called("Disconnect")
            async with stack.client() as socket:
                socket.transport.abort()
                _, second = await stack.functions.wait_until_called("Disconnect", 2)
            return [
                (e["requestContext"]["disconnectStatusCode"], e["requestContext"]["eventType"])
                for e in (first, second)
            ], first["requestContext"]["disconnectReason"]

    codes, reason = asyncio.run(run())
    assert codes == [(4001, "DISCONNECT"), (1006, "DISCONNECT")]
    assert reason == "bye"


def test_a_client_that_leaves_during_connect_is_disconnected_afterwards():
    async def run() -> Any:
        async with running() as stack:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", stack.gateway.port)
                left = asyncio.Event()

                async def slow(_event):
                    writer.transport.abort()
                    left.set()
                    # Late enough for the gateway's side of the line to have noticed as well.
                    await until(reader.at_eof)
                    await asyncio.sleep(0.05)
                    return OK

                stack.functions.handlers["Connect"] = slow
                writer.write(
                    b"GET /local?ticket=t1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
                )
                await left.wait()
                (event,) = await stack.functions.wait_until_called("Disconnect")
                return event["requestContext"]["connectionId"] == stack.connection_id()

    assert asyncio.run(run())


def test_chaos_can_drop_the_disconnect_event():
    async def run() -> Any:
        async with running(chaos=ChaosSettings(drop_disconnect_probability=1)) as stack:
            async with stack.client():
                pass
            await until(lambda: not stack.gateway.connections.all())
            return stack.functions.events["Disconnect"]

    assert asyncio.run(run()) == []
