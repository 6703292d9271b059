"""The server's half of BidiGenerateContent: frames in camel case, and how a connection ends."""

import base64
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from local.gemini.context import Usage
from local.gemini.records import Record

ABNORMAL_CLOSURE = 1006


class Gone(Exception):
    """The connection is closed; nothing more can be said on it."""


class Outlet:
    """Sends to one client."""

    def __init__(
        self, socket: web.WebSocketResponse, abort: Callable[[], None], record: Record
    ) -> None:
        self._socket = socket
        self._abort = abort
        self._record = record

    async def send(self, message: dict[str, Any]) -> None:
        """Send one frame.

        Raises:
            Gone: the connection is closed.
        """
        if self._socket.closed:
            raise Gone
        try:
            await self._socket.send_str(json.dumps(message))
        except ConnectionError as error:
            raise Gone from error

    async def content(self, **fields: Any) -> None:
        await self.send({"serverContent": fields})

    async def audio(self, reply: int, pcm: bytes) -> None:
        """Send one part of a reply's audio and record it."""
        if self._socket.closed:
            raise Gone
        self._record.said(reply, pcm)
        data = base64.b64encode(pcm).decode()
        part = {"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}
        await self.content(modelTurn={"parts": [part]})

    async def turn_complete(self, status: str, usage: Usage) -> None:
        """End a turn; ``status`` is IDLE or IN_PROGRESS. Usage rides on the same frame."""
        await self.send(
            {
                "serverContent": {"turnComplete": True, "interactionStatus": status},
                "usageMetadata": usage.as_wire(),
            }
        )

    async def close(self, code: int, reason: str) -> None:
        """Close with a code; 1006 drops the TCP connection without a word."""
        self._record.event("closed_by_server", code=code, reason=reason)
        if code == ABNORMAL_CLOSURE:
            self._abort()
            return
        await self._socket.close(code=code, message=reason.encode()[:123])
