"""``python -m bench.baselines.naive``: a simple voice server, for comparison.

Every WebSocket at ``/talk`` has its own Gemini Live session and LangChain agent in this process
while it is connected. Binary frames are PCM16 audio, 16 kHz in and 24 kHz out; text frames are
JSON. The server prints its port when it listens, and serves until it is stopped.
"""

import argparse
import asyncio
import contextlib
import json
import ssl

from aiohttp import WSMsgType, web
from google import genai
from google.genai import types
from langchain_google_genai import ChatGoogleGenerativeAI

from bench.baselines.naive.conversation import Conversation, open_conversation
from bench.report import print_now

_LIVE_MODEL = "gemini-3.8-live"
_CORE_MODEL = "gemini-3.8-flash"


class Server:
    """The server; its connections share both clients and their TLS set-up."""

    def __init__(self, gemini_url: str, api_key: str) -> None:
        self._client = genai.Client(
            api_key=api_key,
            http_options=types.HttpOptions(
                api_version="v1beta",
                base_url=gemini_url,
                async_client_args={
                    "ssl": ssl.create_default_context(),
                    "ping_interval": None,
                    "compression": None,
                },
            ),
        )
        self._model = ChatGoogleGenerativeAI(
            model=_CORE_MODEL, api_key=api_key, base_url=gemini_url
        )

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one user's WebSocket."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        async with open_conversation(socket, self._client, _LIVE_MODEL, self._model) as one:
            speaking = asyncio.create_task(one.speak())
            try:
                await socket.send_json({"type": "ready"})
                await _listen(socket, one)
            finally:
                speaking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await speaking
        return socket


async def _listen(socket: web.WebSocketResponse, conversation: Conversation) -> None:
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await conversation.take_audio(message.data)
        elif message.type is WSMsgType.TEXT:
            await conversation.take_text(json.loads(message.data)["text"])


async def serve(gemini_url: str, api_key: str, port: int) -> None:
    """Serve until cancelled."""
    application = web.Application()
    application.add_routes([web.get("/talk", Server(gemini_url, api_key).talk)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print_now(json.dumps({"port": runner.addresses[0][1]}))
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.baselines.naive", description=__doc__)
    parser.add_argument("--gemini-url", required=True)
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--port", type=int, default=8000, help="0 selects a free port")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.gemini_url, given.api_key, given.port))


if __name__ == "__main__":
    main()
