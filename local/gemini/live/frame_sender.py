"""The server's messages of BidiGenerateContent, and the close of a connection."""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from local.gemini.live.context import Usage
from local.gemini.live.records import ConnectionRecorder

ABNORMAL_CLOSURE = 1006


class ClientGone(Exception):
    """The connection is closed, so nothing can be sent."""


class FrameSender:
    """Sends messages to one client."""

    def __init__(
        self, socket: web.WebSocketResponse, abort: Callable[[], None], record: ConnectionRecorder
    ) -> None:
        self._socket = socket
        self._abort = abort
        self._record = record
        self._late: list[dict[str, Any]] = []
        self._overdue: list[tuple[float, dict[str, Any]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def send(self, message: dict[str, Any]) -> None:
        """Send one frame.

        Raises:
            ClientGone: The connection is closed.
        """
        if self._socket.closed:
            raise ClientGone
        try:
            await self._socket.send_str(json.dumps(message))
        except ConnectionError as error:
            raise ClientGone from error

    async def content(self, **fields: Any) -> None:
        await self.send({"serverContent": fields})

    def send_after_reply_start(self, **fields: Any) -> None:
        """Send content after the first audio, call or text of the reply."""
        self._late.append(fields)

    async def send_waiting_for_reply(self) -> None:
        """Send the content that waits for the reply."""
        late, self._late = self._late, []
        for fields in late:
            await self.content(**fields)

    def send_after_turn(self, delay_ms: int, **fields: Any) -> None:
        """Send content ``delay_ms`` after the end of the turn."""
        self._overdue.append((delay_ms / 1000, fields))

    async def send_delayed_now(self) -> None:
        """Send all delayed content of earlier turns."""
        overdue, self._overdue = self._overdue, []
        for _, fields in overdue:
            await self.content(**fields)
        if overdue:
            self._record.event("overdue_sent")

    async def _send_in_time(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        with suppress(ClientGone):
            await self.send_delayed_now()

    async def audio(self, reply: int, pcm: bytes) -> None:
        """Send one part of a reply's audio and record it."""
        if self._socket.closed:
            raise ClientGone
        self._record.said(reply, pcm)
        data = base64.b64encode(pcm).decode()
        await self.part(inlineData={"mimeType": "audio/pcm;rate=24000", "data": data})

    async def part(self, **part: Any) -> None:
        """Send one part of a reply."""
        await self.content(modelTurn={"parts": [part]})
        await self.send_waiting_for_reply()

    async def call(self, **call: Any) -> None:
        """Send a tool call."""
        await self.send({"toolCall": {"functionCalls": [call]}})
        await self.send_waiting_for_reply()

    async def turn_complete(self, status: str | None, usage: Usage) -> None:
        """End a turn with its usage and the status of the interaction; None sends no status."""
        await self.send_waiting_for_reply()
        content: dict[str, Any] = {"turnComplete": True}
        if status is not None:
            content["interactionStatus"] = status
        await self.send({"serverContent": content, "usageMetadata": usage.as_wire()})
        if self._overdue:
            task = asyncio.create_task(self._send_in_time(self._overdue[0][0]))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def close(self, code: int, reason: str) -> None:
        """Close with a code; 1006 drops the TCP connection without a close frame."""
        self._record.event("closed_by_server", code=code, reason=reason)
        if code == ABNORMAL_CLOSURE:
            self._abort()
            return
        await self._socket.close(code=code, message=reason.encode()[:123])
