"""The Python client against a WebSocket server that announces the end of its connections."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from local.calls.opening import open_reconnecting_voice_call
from repartee.adapters.wire.encoding import encode
from repartee.domain.protocol.answers import Ready, ReconnectSoon
from repartee.domain.protocol.frames import Accepted, NumberedFrame
from repartee_client.access import SessionTicket

pytestmark = pytest.mark.integration


@dataclass
class Server:
    """Records the clients' messages by connection; answers ``hello`` as ``message`` does."""

    received: list[list[dict[str, Any]]] = field(default_factory=list)
    lines: list[ServerConnection] = field(default_factory=list)

    async def take(self, line: ServerConnection) -> None:
        self.lines.append(line)
        messages: list[dict[str, Any]] = []
        self.received.append(messages)
        async for text in line:
            messages.append(json.loads(text))
            if messages[-1]["type"] == "hello":
                await line.send(encode(Ready("session-1", "conversation-1", 200, 30)))

    def types(self, line: int) -> list[str]:
        return [message["type"] for message in self.received[line]]


class Api:
    """Issues tickets for one session."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[str | None] = []

    async def start_session(
        self, *, conversation_id: str | None = None, session_id: str | None = None
    ) -> SessionTicket:
        self.asked.append(session_id)
        return SessionTicket(session_id or "session-1", conversation_id or "c", "ticket", self.url)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - polls what the server's tasks write
            await asyncio.sleep(0.01)


def test_a_client_that_is_told_to_reconnect_soon_opens_the_next_connection_and_loses_nothing():
    async def main() -> None:
        server = Server()
        async with serve(server.take, "127.0.0.1", 0) as running:
            port = running.sockets[0].getsockname()[1]
            api = Api(f"ws://127.0.0.1:{port}")
            ticket = await api.start_session(conversation_id="c")
            async with open_reconnecting_voice_call(api, ticket) as call:  # type: ignore[arg-type]  # what it uses
                await call.until_ready()
                call.session.text("first", 0.0)
                call.flush()
                await until(lambda: "text" in server.types(0))
                await server.lines[0].send(encode(NumberedFrame(1, 1, Accepted(1))))
                await server.lines[0].send(encode(ReconnectSoon(300)))
                await until(lambda: len(server.received) > 1 and "text" in server.types(1))

                hello, text = server.received[1][:2]
                assert hello["resume_from"] == {"epoch": 1, "seq": 1}
                assert (text["seq"], text["text"]) == (2, "first")
                assert api.asked == [None, "session-1"]
                await server.lines[0].wait_closed()
                call.session.text("second", 0.0)
                call.flush()
                await until(lambda: server.types(1).count("text") == 2)
                assert len(server.received) == 2

    asyncio.run(main())
