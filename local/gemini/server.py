"""Serves BidiGenerateContent, generateContent and the control API on one TLS port."""

import asyncio
import re
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from aiohttp import WSCloseCode, web

from local.gemini.chat_api import ChatApi
from local.gemini.control_api import ControlApi
from local.gemini.faults import Faults
from local.gemini.live.connection import SimulatorParts
from local.gemini.live.records import ChatRecorder, chat_folder
from local.gemini.live.session import SimulatedLiveSession
from local.gemini.mind.tool_files import ToolBook, project_tools
from local.gemini.settings import SimulatorSettings
from local.gemini.speech.ears import Ears
from local.gemini.speech.transcripts import Transcripts
from local.gemini.speech.voice import Voice

HOST = "127.0.0.1"
LIVE_PATH = re.compile(
    r"/ws/google\.ai\.generativelanguage\.\w+\.GenerativeService\."
    r"BidiGenerateContent(?:Constrained)?$"
)
MAX_MESSAGE_BYTES = 16 * 1024 * 1024


def server_context(folder: Path) -> ssl.SSLContext:
    """Return a TLS context with the certificate in ``folder``, which is created if missing.

    A restarted simulator keeps its certificate, because running clients have read ``ca.pem``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server_file = folder / "server.pem"
    if not server_file.exists():
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        server = authority.issue_cert("localhost", HOST)
        # Renamed when complete: a simulator that is killed here must not leave an incomplete key.
        new_file = folder / "server.pem.new"
        new_file.touch(mode=0o600)
        server.private_key_and_cert_chain_pem.write_to_path(str(new_file))
        new_file.replace(server_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return context


@dataclass(slots=True)
class Simulator:
    """A simulator; ``start`` and ``stop`` are called once each."""

    settings: SimulatorSettings
    tls_dir: Path
    port: int = 0
    decoders: int = 2
    tools: ToolBook = field(default_factory=project_tools)
    transcripts: Transcripts | None = None
    connections: dict[str, SimulatedLiveSession] = field(default_factory=dict)
    _runner: web.AppRunner | None = None
    _parts: SimulatorParts | None = None
    _count: int = 0

    @property
    def ca_file(self) -> Path:
        return self.tls_dir / "ca.pem"

    async def start(self) -> None:
        """Listen, and load the speech recognizer and the voice.

        Raises:
            OSError: The port is in use.
        """
        context = server_context(self.tls_dir)
        faults = Faults()
        ears, voice = Ears(self.decoders, self.transcripts), Voice()
        self._parts = SimulatorParts(self.settings, ears, voice, faults, self.tools)
        chat = ChatRecorder(chat_folder(self.settings.record_dir))
        app = web.Application()
        app.add_routes(ControlApi(self.connections, faults).routes())
        app.add_routes(ChatApi(faults, self.tools, chat).routes())
        app.router.add_get("/{path:.*}", self._live)
        app.on_shutdown.append(self._close_connections)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port, ssl_context=context, shutdown_timeout=2.0)
        try:
            await site.start()
            self.port = self._runner.addresses[0][1]
            await asyncio.gather(ears.start(), voice.start())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every connection, then the speech recognizer and the voice."""
        if self._runner:
            await self._runner.cleanup()
        if self._parts:
            await self._parts.ears.close()
            self._parts.voice.close()

    async def _close_connections(self, app: web.Application) -> None:
        for session in self.connections.values():
            if session.open:
                await session.sender.close(WSCloseCode.GOING_AWAY, "The simulator stops.")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if not LIVE_PATH.search(request.path) or self._parts is None:
            raise web.HTTPNotFound
        socket = web.WebSocketResponse(compress=False, max_msg_size=MAX_MESSAGE_BYTES, timeout=2.0)
        await socket.prepare(request)
        transport = request.transport

        def abort() -> None:
            if transport:
                transport.abort()

        key = request.headers.get("x-goog-api-key") or request.query.get("key")
        if not key and request.headers.get("Authorization", "").startswith("Token "):
            key = request.headers["Authorization"].removeprefix("Token ")
        self._count += 1
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        connection_id = f"{stamp}-{time.time_ns() // 1_000_000 % 1_000:03}-{self._count:04}"
        session = SimulatedLiveSession(connection_id, self._parts, socket, abort, key)
        self.connections[connection_id] = session
        await session.run()
        return socket
