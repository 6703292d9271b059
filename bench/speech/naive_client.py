"""Starts the naive server, and connects users to it."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator

import aiohttp

from local.hosting.processes import ChildProcess, start_child
from local.stack import PROJECT, Stack

_START_TIMEOUT_S = 30.0
_TURN_TIMEOUT_S = 60.0


class NaiveUser:
    """One connected user."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def until(self, kind: str) -> str:
        """Wait for a message of a type; return the model's words until then."""
        said = ""
        async with asyncio.timeout(_TURN_TIMEOUT_S):
            async for message in self._socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                fields = json.loads(message.data)
                if fields.get("role") == "model":
                    said += fields["text"]
                if fields["type"] == kind:
                    return said
        raise RuntimeError(f"the naive server ended the connection before {kind}")

    async def ask(self, text: str) -> str:
        """Send ``text`` and wait for the whole answer; return its words."""
        await self._socket.send_json({"type": "text", "text": text})
        return await self.until("turn_end")


class NaiveServer:
    """The running server."""

    def __init__(self, child: ChildProcess, port: int, client: aiohttp.ClientSession) -> None:
        self._child = child
        self._url = f"http://127.0.0.1:{port}/talk"
        self._client = client

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    @classmethod
    @contextlib.asynccontextmanager
    async def started(cls, stack: Stack) -> AsyncIterator["NaiveServer"]:
        """Start the server with the stack's Gemini simulator for the time of the context.

        Raises:
            ChildFailedError: The server ended before it was ready.
        """
        if stack.simulator is None:
            raise RuntimeError("the naive server is measured on the simulator")
        command = [
            *(sys.executable, "-m", "bench.baselines.naive", "--port", "0"),
            *("--gemini-url", stack.simulator.url, "--api-key", "simulated-gemini-key"),
        ]
        child = await start_child(
            "the naive server",
            command,
            environment={
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "SSL_CERT_FILE": str(stack.simulator.ca_file),
            },
            log_path=stack.run_directory / "logs" / "naive.log",
            working_directory=PROJECT,
            pipe_output=True,
        )
        try:
            output = child.process.stdout
            async with asyncio.timeout(_START_TIMEOUT_S):
                line = await output.readline() if output is not None else b""
            if not line:
                raise child.failed("ended before it was ready")
            # One connector without a limit: the default would queue the 101st user.
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
                yield cls(child, json.loads(line)["port"], client)
        finally:
            await child.stop()

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[NaiveUser]:
        """Connect a user; the connection stays open for the context."""
        async with self._client.ws_connect(self._url, max_msg_size=0) as socket:
            user = NaiveUser(socket)
            await user.until("ready")
            yield user
