"""A call over a real socket, against a server that plays a script."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import cast

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosedOK
from websockets.frames import Close
from websockets.http11 import Request, Response

from local.calls.opening import open_voice_call
from local.calls.utterances import NoSpeechHeardError, Pace, ask, say
from local.calls.voice_call import VoiceCall
from repartee.adapters.wire.encoding import encode
from repartee.domain.protocol.answers import Ready, Rejected
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    NoSpeech,
    NumberedFrame,
    ReplyAudio,
    ReplyLost,
    SessionClosed,
    ToolProgress,
    Transcript,
    TurnEnd,
)
from repartee_client.errors import (
    AccessRefusedError,
    ConnectionLostError,
    MessageRefusedError,
    NoAnswerError,
    SessionOverError,
)
from repartee_client.events import Closed, Refused
from repartee_client.protocol import frames
from repartee_client.recordings import Recording

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

SPEECH = Recording(bytes(range(256)) * 100)  # 0.8 s
FILLER, ANSWER = bytes([1, 0] * 2_400), bytes([2, 0] * 2_400)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Script:
    """The server's side of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._seq = 0
        self.heard: list[dict[str, object]] = []

    async def until(self, kind: str) -> dict[str, object]:
        async for text in self._connection:
            message = json.loads(text)
            self.heard.append(message)
            if message["type"] == kind:
                return dict(message)
        raise AssertionError(f"no {kind} came")

    async def reply(self, reply: Ready | Rejected) -> None:
        await self._connection.send(encode(reply))

    async def send(self, *frames: Frame) -> None:
        for frame in frames:
            self._seq += 1
            await self._connection.send(encode(NumberedFrame(1, self._seq, frame)))

    async def complain(self) -> None:
        """Send the object that API Gateway sends when it could not deliver a message."""
        await self._connection.send(
            '{"message": "Internal server error", "connectionId": "c=", "requestId": "r="}'
        )

    async def hear_utterance(self) -> int:
        await self.until("hello")
        await self.reply(Ready("S", "C", chunk_ms=200, grace_s=30))
        end = await self.until("speech_end")
        seq = end["seq"]
        assert isinstance(seq, int)
        await self.send(Accepted(seq))
        return seq


@asynccontextmanager
async def server(script: Callable[[Script], Awaitable[None]]) -> AsyncIterator[str]:
    async def serve_one(connection: ServerConnection) -> None:
        await script(Script(connection))

    async with serve(serve_one, "127.0.0.1", 0, compression=None) as serving:
        port = next(iter(serving.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/local"


def audio(turn: int, pcm: bytes) -> ReplyAudio:
    return ReplyAudio(turn, pcm)


def end(turn: int) -> TurnEnd:
    return TurnEnd(turn, 100, 50, 0.25, 300, 0)


async def test_speech_arrives_complete_with_its_trailing_silence():
    scripts: list[Script] = []

    async def script(its: Script) -> None:
        scripts.append(its)
        await its.hear_utterance()
        await its.send(Transcript(3, "user", "hello", True), audio(3, ANSWER), end(3))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url) as call:
        exchange = await say(call, SPEECH, pace=Pace.FAST)

    (its,) = scripts
    # A waiting client pings, and repeats its hello with the same number.
    numbered = {message["seq"]: message for message in its.heard if "seq" in message}
    said = [numbered[seq] for seq in range(1, len(numbered) + 1)]
    kinds = [message["type"] for message in said]
    assert kinds == ["hello", "speech_start", *["audio"] * 6, "speech_end"]
    sent = b"".join(base64.b64decode(str(m["data"])) for m in said if m["type"] == "audio")
    assert sent == exchange.sent_pcm == SPEECH.pcm + bytes(300 * 32)
    assert exchange.heard == "hello"
    assert [bytes(turn.pcm) for turn in exchange.turns] == [ANSWER]
    assert exchange.first_audio_ms is not None
    assert exchange.first_audio_ms >= 0


async def test_the_client_waits_for_a_tools_answer_in_a_later_turn():
    async def script(its: Script) -> None:
        await its.hear_utterance()
        await its.send(audio(1, FILLER), ToolProgress(1, "ask_core_agent", "started"), end(1))
        await its.until("ack")
        await its.send(ToolProgress(1, "ask_core_agent", "done"))
        await its.send(Transcript(2, "model", "It is done.", True), audio(2, ANSWER), end(2))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url) as call:
        exchange = await say(call, SPEECH, pace=Pace.FAST)

    assert [bytes(turn.pcm) for turn in exchange.turns] == [FILLER, ANSWER]
    assert exchange.said == "It is done."
    assert exchange.tool_calls == ["ask_core_agent"]
    assert exchange.cost_usd == 0.5


async def test_a_lost_reply_is_over_once_it_is_repeated():
    async def script(its: Script) -> None:
        await its.hear_utterance()
        await its.send(audio(1, FILLER), ReplyLost(1, "At three."))
        await its.send(Transcript(2, "model", "At three.", True), audio(2, ANSWER), end(2))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url) as call:
        exchange = await say(call, SPEECH, pace=Pace.FAST)

    assert [turn.is_lost for turn in exchange.turns] == [True, False]
    assert bytes(exchange.turns[1].pcm) == ANSWER


async def test_a_refused_message_raises_its_own_error():
    async def script(its: Script) -> None:
        await its.until("hello")
        await its.reply(Rejected("protocol_unknown", "use 1", False, "protocol", 1))
        await its.until("bye")

    async with server(script) as url, open_voice_call(url) as call:
        with pytest.raises(MessageRefusedError, match="protocol_unknown") as caught:
            await call.until_ready()
    assert caught.value.refused.field == "protocol"


async def test_a_client_of_an_ended_session_still_gets_the_reason():
    refused = asyncio.Event()

    def listen(_at_ms: float, event: frames.Frame | frames.Answer) -> None:
        if isinstance(event, Refused):
            refused.set()

    async def script(its: Script) -> None:
        seq = await its.hear_utterance()
        await its.reply(Rejected("session_ended", "it is over", False, seq=seq))
        await refused.wait()
        await its.send(SessionClosed("erased"))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url, listener=listen) as call:
        with pytest.raises(SessionOverError, match="erased"):
            await say(call, SPEECH, pace=Pace.FAST)


@pytest.mark.parametrize("hangs_up", [True, False])
async def test_an_ended_session_without_a_reason_is_an_error(hangs_up: bool):
    async def script(its: Script) -> None:
        seq = await its.hear_utterance()
        await its.reply(Rejected("session_ended", "it is over", False, seq=seq))
        if not hangs_up:
            await its.until("bye")

    async with server(script) as url, open_voice_call(url, closed_within_s=0.1) as call:
        with pytest.raises(SessionOverError, match="session_ended"):
            await say(call, SPEECH, pace=Pace.FAST)


class LineThatEnds:
    """A connection whose other side has closed it while this side was about to send."""

    close_code, close_reason = 1000, ""

    def __init__(self, last: str) -> None:
        self._last = last
        self._is_over = asyncio.Event()
        self.transport = self

    async def send(self, _text: str) -> None:
        self._is_over.set()
        raise ConnectionClosedOK(Close(1000, ""), None)

    async def close(self) -> None:
        """Do nothing, because the connection is already closed."""

    def abort(self) -> None:
        """Do nothing, because the connection is already closed."""

    async def __aiter__(self) -> AsyncIterator[str]:
        await self._is_over.wait()
        # The buffered messages are read after the writer has noticed the end.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        yield self._last


async def test_received_messages_are_read_although_sending_fails():
    line = LineThatEnds(encode(NumberedFrame(1, 1, SessionClosed("erased"))))

    async def open_line() -> ClientConnection:
        return cast(ClientConnection, line)

    async with VoiceCall(open_line).served() as call:
        await call.until(lambda: call.session.closed, timeout_s=5, what="closed")
    assert call.session.closed == Closed("erased")


async def test_messages_that_api_gateway_could_not_deliver_are_sent_again():
    async def script(its: Script) -> None:
        await its.until("hello")
        await its.reply(Ready("S", "C", chunk_ms=200, grace_s=30))
        await its.until("text")
        await its.complain()
        again = await its.until("text")
        assert isinstance(again["seq"], int)
        await its.send(Accepted(again["seq"]), Transcript(1, "model", "Hello.", True), end(1))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url) as call:
        await call.until_ready()
        (turn,) = await ask(call, "hello")

    assert turn.said == "Hello."


async def test_a_dropped_connection_is_an_error_for_a_waiting_caller():
    async def script(its: Script) -> None:
        await its.hear_utterance()

    async with server(script) as url, open_voice_call(url) as call:
        with pytest.raises(ConnectionLostError, match="1000"):
            await say(call, SPEECH, pace=Pace.FAST)


async def test_a_missing_answer_is_a_clear_error():
    async def script(its: Script) -> None:
        await its.until("hello")
        await its.reply(Ready("S", "C", chunk_ms=200, grace_s=30))
        await its.until("bye")

    async with server(script) as url, open_voice_call(url) as call:
        await call.until_ready()
        # The client waits only for the answer, so it is missing even on a slow machine.
        with pytest.raises(NoAnswerError, match="complete answer"):
            await ask(call, "hello", timeout_s=0.2)


async def test_an_utterance_without_speech_is_reported_at_once():
    async def script(its: Script) -> None:
        seq = await its.hear_utterance()
        await its.send(NoSpeech(seq))
        await its.until("bye")

    async with server(script) as url, open_voice_call(url) as call:
        with pytest.raises(NoSpeechHeardError, match="no speech was heard in the recording"):
            await say(call, SPEECH, pace=Pace.FAST)


async def test_a_closed_session_gives_no_answers():
    async def script(its: Script) -> None:
        await its.hear_utterance()
        await its.send(SessionClosed("unavailable"))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url) as call:
        with pytest.raises(SessionOverError, match="unavailable"):
            await say(call, SPEECH, pace=Pace.FAST)


async def test_hanging_up_waits_until_the_session_is_closed():
    async def script(its: Script) -> None:
        await its.until("hello")
        await its.reply(Ready("S", "C", chunk_ms=200, grace_s=30))
        await its.until("bye")
        await its.send(SessionClosed("bye"))
        await its.until("ack")

    async with server(script) as url, open_voice_call(url) as call:
        await call.until_ready()
        await call.hang_up()
        assert call.session.closed == Closed("bye")


async def test_a_refused_handshake_reports_its_status():
    async def serve_one(connection: ServerConnection) -> None:
        raise AssertionError("nobody gets in")

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.FORBIDDEN, '{"message":"ticket_spent"}')

    async with serve(serve_one, "127.0.0.1", 0, process_request=refuse) as serving:
        port = next(iter(serving.sockets)).getsockname()[1]
        with pytest.raises(AccessRefusedError, match="ticket_spent") as caught:
            async with open_voice_call(f"ws://127.0.0.1:{port}/local"):
                raise AssertionError("the call is open")
    assert caught.value.status == HTTPStatus.FORBIDDEN


async def test_an_unreachable_address_is_named_in_the_error():
    async def serve_one(connection: ServerConnection) -> None:
        raise AssertionError("it is closed")

    async with serve(serve_one, "127.0.0.1", 0) as serving:
        port = next(iter(serving.sockets)).getsockname()[1]
    with pytest.raises(ConnectionLostError, match=str(port)):
        async with open_voice_call(f"ws://127.0.0.1:{port}/local"):
            raise AssertionError("the call is open")
