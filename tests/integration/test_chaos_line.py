"""A call reconnects after its line breaks, and neither side loses or repeats anything."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from local.calls.opening import open_reconnecting_voice_call
from local.calls.utterances import Pace, say
from local.hosting.servers import serving
from repartee.adapters.wire.encoding import encode
from repartee.domain.protocol.answers import Ready
from repartee.domain.protocol.frames import Accepted, Frame, NumberedFrame, ReplyAudio, TurnEnd
from repartee_client.access import HttpApiClient, SessionTicket
from repartee_client.errors import SessionOverError
from repartee_client.recordings import Recording

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

SPEECH = Recording(bytes(range(256)) * 100)  # 0.8 s: four chunks, and two of silence
FIRST, SECOND = bytes([1, 0] * 2_400), bytes([2, 0] * 2_400)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Line:
    """The server's side of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.heard: list[dict[str, Any]] = []

    async def until(self, kind: str) -> dict[str, Any]:
        async for text in self._connection:
            self.heard.append(json.loads(text))
            if self.heard[-1]["type"] == kind:
                return self.heard[-1]
        raise AssertionError(f"no {kind} came")

    async def greet(self) -> dict[str, Any]:
        hello = await self.until("hello")
        await self._connection.send(encode(Ready("S", "C", chunk_ms=200, grace_s=30)))
        return hello

    async def send(self, epoch: int, first_seq: int, *frames: Frame) -> None:
        for seq, frame in enumerate(frames, start=first_seq):
            await self._connection.send(encode(NumberedFrame(epoch, seq, frame)))

    def break_connection(self) -> None:
        self._connection.transport.abort()


class Server:
    """Issues tickets and serves each connection with its own script."""

    def __init__(self, *scripts: Callable[[Line], Awaitable[None]]) -> None:
        self._scripts = list(scripts)
        self.lines: list[Line] = []
        self.asked: list[dict[str, Any]] = []
        self.refusals: list[int] = []
        self.url = ""

    async def serve_one(self, connection: ServerConnection) -> None:
        line = Line(connection)
        self.lines.append(line)
        await self._scripts[len(self.lines) - 1](line)

    def admit(self, connection: ServerConnection, _request: Request) -> Response | None:
        if self.refusals:
            return connection.respond(HTTPStatus(self.refusals.pop(0)), "{}")
        return None

    async def give_ticket(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        ticket = {"session_id": "S", "conversation_id": "C", "ticket": "t", "url": self.url}
        return web.json_response(ticket)


@asynccontextmanager
async def served(server: Server) -> AsyncIterator[HttpApiClient]:
    application = web.Application()
    application.router.add_post("/sessions", server.give_ticket)
    async with (
        serve(
            server.serve_one, "127.0.0.1", 0, compression=None, process_request=server.admit
        ) as sockets,
        serving(application, 0) as port,
    ):
        server.url = f"ws://127.0.0.1:{next(iter(sockets.sockets)).getsockname()[1]}/local"
        yield HttpApiClient(f"http://127.0.0.1:{port}", "token")


def audio(pcm: bytes) -> ReplyAudio:
    return ReplyAudio(1, pcm)


def seqs(line: Line) -> list[int]:
    return [message["seq"] for message in line.heard if "seq" in message]


class Watcher:
    """An observer that records events."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def opened(self, at_ms: float) -> None:
        self.seen.append("opened")

    def sent(self, at_ms: float, text: str) -> None:
        self.seen.append(f"sent {json.loads(text)['type']}")

    def received(self, at_ms: float, text: str, taken: Sequence[Any]) -> None:
        self.seen.append(f"received {json.loads(text)['type']}, took {len(taken)}")

    def lost(self, at_ms: float) -> None:
        self.seen.append("lost")


async def hear_half_then_break(line: Line) -> None:
    await line.greet()
    await line.until("speech_end")
    await line.send(1, 1, Accepted(4), audio(FIRST))
    await line.until("ack")
    line.break_connection()


async def answer_the_rest(line: Line) -> None:
    hello = await line.greet()
    assert hello["resume_from"] == {"epoch": 1, "seq": 2}
    await line.until("speech_end")
    await line.send(1, 2, audio(FIRST), audio(SECOND), Accepted(9))
    await line.send(1, 5, TurnEnd(1, 1, 1, 0.0, 1, 0))
    await line.until("ack")


async def test_both_sides_continue_where_the_line_broke():
    server, watcher = Server(hear_half_then_break, answer_the_rest), Watcher()
    async with served(server) as api:
        ticket = await api.start_session(conversation_id="new")
        async with open_reconnecting_voice_call(api, ticket, observer=watcher) as call:
            exchange = await say(call, SPEECH, pace=Pace.FAST)
            assert call.session.outbox.last_place == 10

    (turn,) = exchange.turns
    assert bytes(turn.pcm) == FIRST + SECOND
    assert server.asked == [
        {"conversation_id": "new"},
        {"session_id": "S"},
    ]
    first, second = server.lines
    assert seqs(first) == list(range(1, 10))
    # First the new hello, then exactly the unaccepted messages with their old numbers.
    assert seqs(second) == [10, *range(5, 10)]
    sent = {message["seq"]: message for message in first.heard if "seq" in message}
    assert all(
        message == sent[message["seq"]] for message in second.heard if message["type"] == "audio"
    )
    assert watcher.seen.count("opened") == 2
    assert watcher.seen.count("lost") == 1
    # A repeated frame was not used a second time.
    assert watcher.seen.count("received audio, took 0") == 1


async def test_a_refused_handshake_is_retried():
    server = Server(hear_half_then_break, answer_the_rest)
    async with served(server) as api:
        ticket = SessionTicket("S", "C", "t", server.url)
        async with open_reconnecting_voice_call(api, ticket) as call:
            server.refusals += [500, 429]
            exchange = await say(call, SPEECH, pace=Pace.FAST)
    assert bytes(exchange.turns[0].pcm) == FIRST + SECOND
    assert len(server.asked) == 3


async def test_an_ended_session_is_not_requested_again():
    server = Server(hear_half_then_break)
    async with served(server) as api:
        ticket = SessionTicket("S", "C", "t", server.url)
        async with open_reconnecting_voice_call(api, ticket) as call:
            server.refusals += [409]
            with pytest.raises(SessionOverError, match="session_ended"):
                await say(call, SPEECH, pace=Pace.FAST)
    assert len(server.asked) == 1
