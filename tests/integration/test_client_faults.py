"""``connect`` with servers, applications and audio ports that misbehave."""

import array
import asyncio
import base64
import time
from collections.abc import Callable

import pytest

from repartee.domain.protocol import frames
from repartee.domain.protocol.answers import ReconnectSoon
from repartee_client import connect
from repartee_client.errors import BadServerMessageError, SessionOverError
from repartee_client.events import Closed, Event, Reconnecting, ReplyAudio, TurnEnded
from tests.integration.scripted_server import Line, scripted_server
from tests.integration.test_client_call import ENDED, Recorded, answered

pytestmark = [pytest.mark.integration, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def mute(line: Line) -> None:
    await line.hello()
    await line.until("never")


async def test_iteration_ends_with_closed_though_the_server_keeps_the_line():
    async def keeps_the_line(line: Line) -> None:
        await line.hello()
        await line.close_session()
        await line.until("never")

    async with (
        scripted_server(keeps_the_line) as server,
        asyncio.timeout(3),
        connect(server.url, token="t") as call,
    ):
        await call.hang_up()
        assert [event async for event in call][-1] == Closed("bye")


async def test_a_call_that_is_closed_while_the_next_line_opens_is_over():
    async def ends(line: Line) -> None:
        await line.hello()
        await line.answer(ReconnectSoon(300))
        async with asyncio.timeout(2):
            while len(line.server.lines) < 2:  # noqa: ASYNC110 - the other connection's task
                await asyncio.sleep(0)
        await line.send(frames.SessionClosed("end_call"))
        await line.until("never")

    async with (
        scripted_server(ends, mute) as server,
        asyncio.timeout(5),
        connect(server.url, token="t") as call,
    ):
        assert [event async for event in call][-1] == Closed("end_call")


async def test_a_port_that_cannot_play_ends_the_call_with_its_error():
    class FullDisk(Recorded):
        def play(self, pcm: bytes) -> None:
            raise OSError(28, "No space left on device")

    async def speaks(line: Line) -> None:
        await line.hello()
        await line.send(frames.ReplyAudio(1, bytes(4_800)))
        await line.close_session()

    events: list[Event] = []
    async with scripted_server(speaks) as server:
        async with connect(server.url, token="t", audio=FullDisk([])) as call:
            with pytest.raises(OSError, match="No space left"):  # noqa: PT012 - the loop raises it
                async for event in call:
                    events.append(event)
        assert "bye" in [message["type"] for message in server.lines[0].heard]
    assert not any(isinstance(event, Reconnecting) for event in events)
    assert len(server.lines) == 1


async def test_a_cancelled_call_does_not_play_the_rest_of_the_reply():
    async def speaks(line: Line) -> None:
        await line.hello()
        await line.send(*[frames.ReplyAudio(1, bytes(48_000))] * 8)
        await line.close_session()

    async def talk(url: str) -> None:
        async with connect(url, token="t", audio=Recorded([])) as call:
            async for event in call:
                if isinstance(event, ReplyAudio):
                    is_playing.set()

    is_playing = asyncio.Event()
    async with scripted_server(speaks) as server, asyncio.timeout(5):
        talking = asyncio.create_task(talk(server.url))
        await is_playing.wait()
        talking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await talking


@pytest.mark.parametrize("pause_s", [0.0, 0.01, 0.3])
async def test_a_call_that_is_cancelled_again_and_again_leaves_neither_task_nor_line(pause_s):
    async def talk(url: str) -> None:
        async with connect(url, token="t") as call:
            is_open.set()
            async for _event in call:
                pass

    is_open = asyncio.Event()
    async with scripted_server(mute) as server, asyncio.timeout(10):
        tasks_before = len(asyncio.all_tasks())
        talking = asyncio.create_task(talk(server.url))
        await is_open.wait()
        while not talking.done():
            talking.cancel()
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(2):
            await server.lines[0].connection.wait_closed()
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == tasks_before


async def test_a_cancellation_at_any_moment_leaves_neither_task_nor_line():
    async with scripted_server(answered) as server:
        tasks_before = len(asyncio.all_tasks())

        async def talk() -> None:
            async with connect(server.url, token="t") as call:
                call.say("hello")
                async for event in call:
                    if isinstance(event, TurnEnded):
                        break

        for number in range(40):
            talking = asyncio.create_task(talk())
            await asyncio.sleep(number / 1_000)
            talking.cancel()
            await asyncio.wait([talking], timeout=5)
            assert talking.done()
        for line in server.lines:
            async with asyncio.timeout(2):
                await line.connection.wait_closed()
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == tasks_before


async def test_a_text_that_json_cannot_carry_is_refused_and_the_call_goes_on():
    async with scripted_server(answered) as server, connect(server.url, token="t") as call:
        for text in ("", " \n", "a" * 4_001, "half a \ud83d pair"):
            with pytest.raises(ValueError, match="text"):
                call.say(text)
        call.say("hello")
        assert ENDED in [await anext(call) for _ in range(4)]


async def test_audio_of_any_type_of_buffer_is_sent_whole():
    async with scripted_server(answered) as server, connect(server.url, token="t") as call:
        samples = array.array("h", range(3_201))
        call.send_audio(samples)
        call.send_audio(memoryview(samples))
        call.send_audio(bytearray(2))
        call.send_audio(b"")
        for odd in (b"1", memoryview(b"123")):
            with pytest.raises(ValueError, match="not whole 16-bit samples"):
                call.send_audio(odd)
        with pytest.raises(TypeError):
            call.send_audio("text")  # type: ignore[arg-type]  # what applications pass
        call.say("hello")
        await anext(call)
    heard = [one["data"] for one in server.lines[0].heard if one["type"] == "audio"]
    whole = b"".join(base64.b64decode(one) for one in heard)
    assert whole == 2 * samples.tobytes() + bytes(2)


async def test_a_call_that_was_left_takes_nothing_more():
    async with scripted_server(mute) as server:
        async with connect(server.url, token="t") as call:
            call.leave()
        acts: list[Callable[[], None]] = [
            lambda: call.say("hello"),
            lambda: call.send_audio(bytes(2)),
            call.stop,
        ]
        for act in acts:
            with pytest.raises(SessionOverError):
                act()
        async with asyncio.timeout(1):
            with pytest.raises(SessionOverError):
                await call.hang_up()


async def test_hanging_up_twice_sends_one_bye():
    async with scripted_server(answered) as server, connect(server.url, token="t") as call:
        call.say("hello")
        await asyncio.gather(call.hang_up(), call.hang_up())
        await call.hang_up()
    assert [one["type"] for one in server.lines[0].heard].count("bye") == 1


@pytest.mark.parametrize("member", ["chunk_ms", "max_in_flight"])
async def test_a_ready_that_allows_nothing_is_refused(member: str):
    async def allows_nothing(line: Line) -> None:
        await line.until("hello")
        members = {"chunk_ms": 200, "max_in_flight": 25, "grace_s": 30, member: 0}
        ids = '"session_id":"s","conversation_id":"c"'
        rest = ",".join(f'"{name}":{value}' for name, value in members.items())
        await line.connection.send(f'{{"type":"ready",{ids},{rest}}}')
        await line.until("never")

    async with scripted_server(allows_nothing) as server, asyncio.timeout(5):
        with pytest.raises(BadServerMessageError, match=member):
            async with connect(server.url, token="t"):
                pass


async def test_a_message_that_is_nested_too_deeply_is_a_bad_message():
    async def nests(line: Line) -> None:
        await line.hello()
        await line.connection.send("[" * 100_000)
        await line.until("never")

    async with scripted_server(nests) as server, connect(server.url, token="t") as call:
        with pytest.raises(BadServerMessageError):
            async for _event in call:
                pass


async def test_a_token_that_cannot_be_had_while_the_line_is_lost_is_asked_for_again():
    async def drops(line: Line) -> None:
        await line.hello()
        line.connection.transport.abort()

    tokens = iter(["first", None, "third"])

    def token() -> str:
        found = next(tokens)
        if found is None:
            raise LookupError("no network")
        return found

    async with (
        scripted_server(drops, answered) as server,
        connect(server.url, token=token) as call,
    ):
        call.say("hello")
        async for event in call:
            if event == ENDED:
                break
    assert server.tokens == ["Bearer first", "Bearer third"]


async def test_ten_minutes_of_audio_at_once_do_not_stop_the_loop():
    """A loss of the line, and a number that is taken, look at every message that waits."""

    async def drops(line: Line) -> None:
        await line.hello()
        await line.until("audio")
        line.connection.transport.abort()

    async with (
        scripted_server(drops, mute) as server,
        connect(server.url, token="t", hang_up_within_s=0.1) as call,
    ):
        call.send_audio(bytes(10 * 60 * 32_000))
        longest_s = 0.0
        while len(server.lines) < 2 or len(server.lines[1].heard) < 10:
            started_s = time.monotonic()
            await asyncio.sleep(0.001)
            longest_s = max(longest_s, time.monotonic() - started_s)
        call.leave()
    assert longest_s < 1
