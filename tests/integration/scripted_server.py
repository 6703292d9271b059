"""A server of the protocol that plays a script, for tests of the Python client."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from repartee.adapters.wire.encoding import encode
from repartee.domain.protocol.answers import Answer, Ready
from repartee.domain.protocol.frames import Accepted, Frame, NumberedFrame, SessionClosed

READY = Ready("session-1", "conversation-1", chunk_ms=200, grace_s=30)


class Line:
    """The server's side of one connection.

    Attributes:
        heard: The client's messages.
    """

    def __init__(self, connection: ServerConnection, server: "ScriptedServer") -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []
        self.server = server

    async def until(self, kind: str) -> dict[str, Any]:
        """Read messages until one of this type comes, and return it."""
        async for text in self.connection:
            message: dict[str, Any] = json.loads(text)
            self.heard.append(message)
            if message["type"] == kind:
                return message
        raise ConnectionError(f"no {kind} came")

    async def hello(self) -> dict[str, Any]:
        """Take the ``hello`` and answer it."""
        hello = await self.until("hello")
        await self.answer(READY)
        return hello

    async def answer(self, message: Answer) -> None:
        """Send an answer without a number."""
        await self.connection.send(encode(message))

    async def send(self, *frames: Frame) -> None:
        """Send frames with the next numbers of the session."""
        for frame in frames:
            self.server.seq += 1
            await self.connection.send(encode(NumberedFrame(1, self.server.seq, frame)))

    async def close_session(self) -> None:
        """Take the ``bye`` and answer it as a worker does."""
        byes = (one for one in self.heard if one["type"] == "bye")
        bye = next(byes, None) or await self.until("bye")
        await self.send(Accepted(bye["seq"]), SessionClosed("bye"))
        await self.until("ack")


Script = Callable[[Line], Awaitable[None]]


@dataclass
class ScriptedServer:
    """Plays one script for each connection; the last one is repeated.

    Attributes:
        url: The address of the HTTP API.
        scripts: A script for each connection.
        refusals: Statuses and bodies with which the next tickets are refused.
        tokens: The Authorization headers of the requests for tickets.
        asked: The bodies of these requests.
        lines: The connections.
        seq: The number of the last frame.
    """

    scripts: list[Script]
    url: str = ""
    refusals: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    seq: int = 0

    async def serve_line(self, connection: ServerConnection) -> None:
        line = Line(connection, self)
        script = self.scripts[min(len(self.lines), len(self.scripts) - 1)]
        self.lines.append(line)
        try:
            await script(line)
        except ConnectionError:
            return

    def ticket(self, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of a request for a ticket."""
        self.tokens.append(token)
        self.asked.append(body)
        return self.refusals.pop(0) if self.refusals else (201, {})


@asynccontextmanager
async def scripted_server(*scripts: Script) -> AsyncIterator[ScriptedServer]:
    """Serve the HTTP API and the WebSocket API with these scripts."""
    server = ScriptedServer(list(scripts))
    async with serve(server.serve_line, "127.0.0.1", 0, compression=None) as lines:
        ticket = {
            "session_id": "session-1",
            "conversation_id": "conversation-1",
            "ticket": "SECRET",
            "url": f"ws://127.0.0.1:{lines.sockets[0].getsockname()[1]}/local?ticket=SECRET",
            "features": ["marks_speech"],
        }

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                token = self.headers.get("Authorization", "")
                status, answer = server.ticket(token, body)
                text = json.dumps(answer or ticket).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments: Any) -> None:
                """Write nothing."""

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        server.url = f"http://127.0.0.1:{http.server_port}"
        try:
            yield server
        finally:
            await asyncio.to_thread(http.shutdown)
            http.server_close()
