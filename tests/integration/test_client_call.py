"""``connect`` and ``Call`` against a server that plays a script."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from repartee.domain.protocol import frames
from repartee.domain.protocol.answers import Rejected
from repartee_client import SpeechMark, connect
from repartee_client.access import HttpApiClient
from repartee_client.audio.sound_devices import NoSoundError
from repartee_client.errors import (
    AccessRefusedError,
    DailyLimitReachedError,
    InvalidUrlError,
    SupersededError,
    UnreachableError,
)
from repartee_client.events import (
    Closed,
    Event,
    Ready,
    Reconnected,
    Reconnecting,
    Refused,
    ReplyAudio,
    Transcript,
    TurnEnded,
)
from tests.integration.scripted_server import Line, scripted_server

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

END = frames.TurnEnd(1, 100, 50, 0.25, 300, 0)
ENDED = TurnEnded(1, 100, 50, 0.25, 300, 0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def answered(line: Line) -> None:
    """Answer a text with one turn, and the ``bye``."""
    await line.hello()
    text = await line.until("text")
    await line.send(
        frames.Accepted(text["seq"]),
        frames.ReplyAudio(1, bytes(4_800)),
        frames.Transcript(1, "model", "Hello.", True),
        END,
    )
    await line.close_session()


async def test_a_call_yields_typed_events_and_ends_with_closed():
    events: list[Event] = []
    async with scripted_server(answered) as server:
        async with connect(server.url, token="t") as call:
            call.say("hello")
            async for event in call:
                events.append(event)
                if isinstance(event, TurnEnded) and not call.is_waiting_for_answer:
                    await call.hang_up()
        assert [event async for event in call] == []

    assert events == [
        Ready("session-1", "conversation-1", 200, 30),
        ReplyAudio(1, bytes(4_800)),
        Transcript(1, "model", "Hello.", True),
        ENDED,
        Closed("bye"),
    ]
    assert server.asked == [{"conversation_id": "new"}]
    assert server.tokens == ["Bearer t"]


async def test_the_end_of_the_block_hangs_up():
    async with scripted_server(answered) as server:
        async with connect(server.url, token="t") as call:
            call.say("hello")
        assert [message["type"] for message in server.lines[0].heard].count("bye") == 1
        assert [event async for event in call][-1] == Closed("bye")


async def test_a_lost_line_comes_back_with_the_input_and_asks_for_the_token_again():
    async def drops(line: Line) -> None:
        await line.hello()
        await line.until("text")
        line.connection.transport.abort()

    async def is_silent(line: Line) -> None:
        line.connection.transport.abort()

    tokens = iter(["first", "second", "third", "fourth"])

    async def token() -> str:
        return next(tokens)

    async with (
        scripted_server(drops, is_silent, answered) as server,
        connect(server.url, token=token, conversation=None) as call,
    ):
        call.say("hello")
        server.refusals = [(503, {"message": "try again"})]
        events = []
        async for event in call:
            events.append(event)
            if event == ENDED:
                break

    kinds = [type(event) for event in events]
    assert kinds == [Ready, Reconnecting, Reconnected, ReplyAudio, Transcript, TurnEnded]
    assert server.tokens == [f"Bearer {one}" for one in ("first", "second", "third", "fourth")]
    assert server.asked == [{}, *[{"session_id": "session-1"}] * 3]
    texts = [one for line in server.lines for one in line.heard if one["type"] == "text"]
    assert [text["seq"] for text in texts] == [2, 2]


async def test_a_refused_token_is_asked_for_once_more():
    async with scripted_server(answered) as server:
        server.refusals = [(401, {"message": "Unauthorized"})]
        tokens = iter(["expired", "fresh"])
        async with connect(server.url, token=lambda: next(tokens)) as call:
            call.say("hello")
            assert server.tokens == ["Bearer expired", "Bearer fresh"]

        server.refusals = [(401, {"message": "Unauthorized"})] * 2
        with pytest.raises(AccessRefusedError, match="give a valid token") as caught:
            async with connect(server.url, token=lambda: "hidden"):
                raise AssertionError("nobody gets in")
        assert "hidden" not in str(caught.value)


async def test_a_used_up_limit_is_an_error_of_its_own():
    refusal = {
        "code": "daily_limit_reached",
        "message": "no talk is left today",
        "kind": "talk_seconds",
        "limit": 3600,
        "resets_at": "2026-11-21T00:00:00.000Z",
    }
    async with scripted_server(answered) as server:
        server.refusals = [(429, refusal)]
        with pytest.raises(DailyLimitReachedError, match="no talk is left") as caught:
            async with connect(server.url, token="t"):
                raise AssertionError("nobody gets in")
    assert (caught.value.kind, caught.value.limit) == ("talk_seconds", 3600)


@pytest.mark.parametrize(
    ("url", "error", "says"),
    [
        ("http://api.example.com", InvalidUrlError, "use https://"),
        ("api.example.com", InvalidUrlError, "must begin with https://"),
        ("https://", InvalidUrlError, "must begin with https://HOST"),
        ("https://[::1", InvalidUrlError, "invalid URL"),
        ("http://127.0.0.1:9", UnreachableError, "cannot reach http://127.0.0.1:9"),
    ],
)
async def test_an_unusable_address_says_what_is_wrong(url: str, error: type, says: str):
    with pytest.raises(error, match=says):
        async with connect(url, token="t"):
            raise AssertionError("nobody gets in")


async def test_a_superseded_connection_is_an_error_and_does_not_come_back():
    async def superseded(line: Line) -> None:
        await line.hello()
        await line.connection.send(
            '{"type":"error","code":"superseded_connection","message":"another tab",'
            '"retryable":false,"field":"","seq":null,"next_seq":null}'
        )
        await line.until("never")

    async with scripted_server(superseded) as server:
        async with connect(server.url, token="t") as call:
            with pytest.raises(SupersededError):
                async for _event in call:
                    pass
            with pytest.raises(SupersededError):
                call.say("hello")
        assert len(server.lines) == 1


async def test_a_silent_line_counts_as_lost(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("repartee_client.transport.SILENT_AFTER_S", 0.3)

    async def falls_silent(line: Line) -> None:
        await line.hello()
        await line.until("never")

    async with (
        scripted_server(falls_silent, answered) as server,
        connect(server.url, token="t") as call,
    ):
        call.say("hello")
        assert [await anext(call) for _ in range(3)] == [
            Ready("session-1", "conversation-1", 200, 30),
            Reconnecting("the server is silent"),
            Reconnected(),
        ]


async def test_a_refused_message_is_reported_and_the_call_goes_on():
    async def refuses(line: Line) -> None:
        await line.hello()
        text = await line.until("text")
        await line.answer(Rejected("invalid_message", "no", False, "text", text["seq"]))
        text = await line.until("text")
        await line.send(frames.Accepted(text["seq"]), END)
        await line.close_session()

    async with scripted_server(refuses) as server, connect(server.url, token="t") as call:
        call.say("first")
        assert isinstance(await anext(call), Ready)
        assert await anext(call) == Refused("invalid_message", "no", False, "text", 2)
        assert not call.is_waiting_for_answer
        call.say("second")
        assert await anext(call) == ENDED


async def test_an_error_in_the_block_ends_the_call_soon():
    async def mute(line: Line) -> None:
        await line.hello()
        await line.until("never")

    async with scripted_server(mute) as server, asyncio.timeout(5):
        with pytest.raises(KeyError):
            async with connect(server.url, token="t"):
                raise KeyError
        assert [message["type"] for message in server.lines[0].heard][:2] == ["hello", "bye"]


@dataclass
class Recorded:
    """An audio port that speaks one recording; the test decides when its reply is played."""

    parts: list[bytes | SpeechMark]
    played: list[bytes] = field(default_factory=list)
    left_ms: float = 0.0
    is_released: bool = False

    async def record(self) -> AsyncGenerator[bytes | SpeechMark]:
        try:
            for part in self.parts:
                yield part
            await asyncio.Event().wait()
        finally:
            self.is_released = True

    def play(self, pcm: bytes) -> None:
        self.played.append(pcm)
        self.left_ms += len(pcm) / 48

    def stop(self) -> None:
        self.left_ms = 0.0

    def unplayed_ms(self) -> float:
        return self.left_ms


async def test_an_audio_port_speaks_plays_and_reports_what_was_played():
    acks: list[dict[str, object]] = []

    async def talks(line: Line) -> None:
        hello = await line.hello()
        assert hello["marks_speech"] is True
        end = await line.until("speech_end")
        await line.send(frames.Accepted(end["seq"]), frames.ReplyAudio(1, bytes(48_000)))
        acks.append(await line.until("ack"))
        await line.send(frames.Interrupted(1))
        acks.append(await line.until("ack"))
        await line.close_session()

    port = Recorded([SpeechMark.START, bytes(16_000), SpeechMark.END])
    async with (
        scripted_server(talks) as server,
        connect(server.url, token="t", audio=port, marks_speech=True) as call,
    ):
        async for event in call:
            if isinstance(event, ReplyAudio):
                port.left_ms = 600.0
            elif not isinstance(event, Ready):
                break

    kinds = [message["type"] for message in server.lines[0].heard][:6]
    assert kinds == ["hello", "speech_start", "audio", "audio", "audio", "speech_end"]
    assert port.played == [bytes(48_000)]
    assert port.is_released
    assert [(ack["turn"], ack["played_ms"]) for ack in acks] == [(1, 400), (1, 400)]


class Unplugged(Recorded):
    async def record(self) -> AsyncGenerator[bytes | SpeechMark]:
        yield bytes(320)
        raise NoSoundError("the microphone was unplugged")


async def test_a_port_that_fails_ends_the_iteration_with_its_error():
    async def mute(line: Line) -> None:
        await line.hello()
        await line.close_session()

    async with (
        scripted_server(mute) as server,
        connect(server.url, token="t", audio=Unplugged([])) as call,
    ):
        assert isinstance(await anext(call), Ready)
        with pytest.raises(NoSoundError, match="unplugged"):
            await anext(call)
    assert "bye" in [message["type"] for message in server.lines[0].heard]


async def test_neither_the_token_nor_the_ticket_is_logged_or_shown(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.DEBUG)
    async with scripted_server(answered) as server:
        api = HttpApiClient(server.url, "HIDDEN")
        ticket = await api.start_session()
        shown = [repr(api), repr(ticket)]
        async with connect(server.url, token="HIDDEN") as call:
            call.say("hello")
        server.refusals = [(403, {"code": "user_erased", "message": "gone"})]
        with pytest.raises(AccessRefusedError) as caught:
            await api.start_session()
    # The server of the test is in the same process.
    logged = [one.getMessage() for one in caplog.records if one.name != "websockets.server"]
    for text in (*shown, str(caught.value), *logged):
        assert "SECRET" not in text
        assert "HIDDEN" not in text


async def test_a_call_that_is_left_goes_on_in_the_next_one():
    async def waits(line: Line) -> None:
        await line.hello()
        await line.until("never")

    async with scripted_server(waits, answered) as server:
        async with connect(server.url, token="t") as call:
            session_id = call.ready.session_id
            call.leave()
        async with connect(server.url, token="t", session=session_id) as call:
            call.say("hello")
    assert [message["type"] for message in server.lines[0].heard] == ["hello"]
    assert server.asked[1] == {"session_id": "session-1"}


async def test_a_cancelled_call_ends_soon_and_leaves_no_task():
    async def mute(line: Line) -> None:
        await line.hello()
        await line.until("never")

    async def talk(url: str) -> None:
        async with connect(url, token="t") as call:
            is_open.set()
            async for _event in call:
                pass

    is_open = asyncio.Event()
    async with scripted_server(mute) as server:
        tasks_before = len(asyncio.all_tasks())
        talking = asyncio.create_task(talk(server.url))
        await is_open.wait()
        talking.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await talking
        await server.lines[0].connection.wait_closed()
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == tasks_before
    assert [message["type"] for message in server.lines[0].heard][:2] == ["hello", "bye"]
