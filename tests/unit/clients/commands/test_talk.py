"""``repartee talk`` speaks files one after the other, or talks until somebody hangs up."""

import asyncio
import json
import wave
from argparse import Namespace
from contextlib import aclosing
from pathlib import Path
from typing import cast

import pytest

from repartee_client import AudioPort, SpeechMark
from repartee_client.audio.sound_devices import SoundDevices
from repartee_client.audio.wav_files import WavFiles
from repartee_client.commands.answers import CallOverError
from repartee_client.commands.talk import talk
from repartee_client.errors import NoAnswerError
from repartee_client.events import (
    Closed,
    Event,
    Interrupted,
    NoSpeech,
    Ready,
    Reconnected,
    Reconnecting,
    ReplyAudio,
    ToolUsed,
    Transcript,
)
from repartee_client.recordings import Recording, write_wav
from tests.unit.clients.commands.fake_call import FakeCall, Step, ended
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

REPLY = bytes(range(1, 241)) * 100
REPLY_S = len(REPLY) / 48_000


def options(**given: object) -> Namespace:
    defaults = {"json": False, "wav": [], "greeting": False, "half_duplex": False, "timeout": 60.0}
    return Namespace(**{**defaults, **given})


class AudibleCall(FakeCall):
    """A call that records and plays through a port, as ``Call`` does.

    Attributes:
        marks: The times at which the user began and ended to speak.
    """

    def __init__(self, audio: AudioPort, *answers: list[Step], **given: list[Step]) -> None:
        super().__init__(*answers, **given)
        self.marks: list[float] = []
        self._audio = audio

    async def __aenter__(self) -> "AudibleCall":
        self._recording = asyncio.create_task(self._record())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._recording.cancel()
        await asyncio.gather(self._recording, return_exceptions=True)

    def closed(self) -> None:
        self._recording.cancel()

    async def _record(self) -> None:
        async with aclosing(self._audio.record()) as parts:
            async for part in parts:
                if isinstance(part, SpeechMark):
                    self.marks.append(round(asyncio.get_running_loop().time(), 3))
                if part is SpeechMark.END:
                    self.answer()

    async def __anext__(self) -> Event:
        event = await super().__anext__()
        if isinstance(event, ReplyAudio):
            self._audio.play(event.pcm)
        return event


def wav(folder: Path, name: str, seconds: float) -> Path:
    write_wav(folder / name, Recording(bytes(round(seconds * 32_000))))
    return folder / name


def reply(turn: int, text: str) -> list[Step]:
    return [ReplyAudio(turn, REPLY), Transcript(turn, "model", text, True), ended(turn)]


@in_virtual_time
async def test_each_file_is_spoken_when_the_answer_to_the_one_before_was_heard(tmp_path, capsys):
    files = [wav(tmp_path, "1.wav", 1), wav(tmp_path, "2.wav", 2)]
    audio = WavFiles(sink=tmp_path / "out.wav")
    first = [3.0, Transcript(1, "user", "hello", True), *reply(1, "Hello.")]
    async with AudibleCall(audio, first, reply(2, "Bye.")) as call:
        assert await talk(options(wav=files), call.as_call, audio) == 0

    assert call.marks == [
        0,
        1,
        pytest.approx(4 + REPLY_S, abs=0.01),
        pytest.approx(6 + REPLY_S, abs=0.01),
    ]
    assert call.has_hung_up
    with wave.open(str(tmp_path / "out.wav")) as out:
        assert out.readframes(out.getnframes()) == REPLY * 2
    assert capsys.readouterr().out.splitlines() == [
        "   0.00 s  speaks  1 (1.0 s)",
        "   4.00 s  heard  “hello”",
        "   4.00 s  audio   the reply of turn 1 begins",
        "   4.00 s  says   “Hello.”",
        "   4.00 s  end     turn 1: 100 tokens in, 50 out, 0.00100 USD",
        "   4.50 s  speaks  2 (2.0 s)",
        "   6.50 s  audio   the reply of turn 2 begins",
        "   6.50 s  says   “Bye.”",
        "   6.50 s  end     turn 2: 100 tokens in, 50 out, 0.00100 USD",
        "   7.00 s  closed  bye",
    ]


@in_virtual_time
async def test_an_agent_that_speaks_first_is_heard_before_the_files(tmp_path):
    audio = WavFiles()
    greeting = [2.0, *reply(1, "Front desk.")]
    async with AudibleCall(audio, reply(2, "Hello."), at_the_start=greeting) as call:
        await talk(options(wav=[wav(tmp_path, "1.wav", 1)], greeting=True), call.as_call, audio)

    assert call.marks[0] == pytest.approx(2 + REPLY_S, abs=0.01)


@in_virtual_time
async def test_a_file_without_an_answer_is_an_error(tmp_path):
    audio = WavFiles()
    async with AudibleCall(audio, []) as call:
        with pytest.raises(NoAnswerError, match="no complete answer within 7 s"):
            await talk(options(wav=[wav(tmp_path, "1.wav", 1)], timeout=7.0), call.as_call, audio)


@in_virtual_time
async def test_files_that_cannot_be_spoken_because_the_agent_hung_up_are_an_error(tmp_path):
    audio = WavFiles()
    files = [wav(tmp_path, "1.wav", 1), wav(tmp_path, "2.wav", 10)]
    async with AudibleCall(audio, [*reply(1, "Goodbye."), 3.0, Closed("end_call")]) as call:
        with pytest.raises(CallOverError, match="the agent hung up"):
            await talk(options(wav=files), call.as_call, audio)


# With the microphone


def live(call: FakeCall) -> "asyncio.Task[int]":
    devices = cast("SoundDevices", object())
    return asyncio.create_task(talk(options(), call.as_call, devices))


@in_virtual_time
async def test_ctrl_c_hangs_up_and_shows_the_end(capsys):
    call = FakeCall(at_the_start=[Ready("S", "C", 200, 30)])
    talking = live(call)
    await asyncio.sleep(60)
    talking.cancel()
    assert await talking == 0
    assert call.has_hung_up
    out, err = capsys.readouterr()
    assert "ready   session S, conversation C" in out
    assert "closed  bye" in out
    assert "Ctrl-C hangs up; without headphones use --half-duplex" in err


@in_virtual_time
async def test_the_call_ends_when_the_agent_hangs_up():
    call = FakeCall(at_the_start=[*reply(1, "Goodbye."), Closed("end_call")])
    assert await live(call) == 0
    assert not call.has_hung_up


@in_virtual_time
async def test_a_call_that_the_server_closes_says_why():
    with pytest.raises(CallOverError, match="the model failed several times"):
        await live(FakeCall(at_the_start=[Closed("unavailable")]))


@in_virtual_time
async def test_what_happens_is_shown_in_words(capsys):
    steps: list[Step] = [
        Transcript(3, "model", "We o", False),
        Interrupted(3),
        ToolUsed(3, "ask_core_agent", "failed"),
        NoSpeech(7),
        Reconnecting("1006"),
        Reconnected(),
        Closed("bye"),
    ]
    assert await live(FakeCall(at_the_start=steps)) == 0
    shown = [line[11:] for line in capsys.readouterr().out.splitlines()]
    assert shown == [
        "says   “We o”",
        "cut     turn 3 was interrupted",
        "tool    ask_core_agent failed",
        "silent  no speech was heard",
        "line    lost (1006); another one is opened",
        "line    back",
        "closed  bye",
    ]


@in_virtual_time
async def test_json_shows_the_events_of_a_call(tmp_path, capsys):
    audio = WavFiles(speed=float("inf"))
    async with AudibleCall(audio, reply(1, "Hello.")) as call:
        await talk(options(wav=[wav(tmp_path, "1.wav", 1)], json=True), call.as_call, audio)
    kinds = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["reply_audio", "transcript", "turn_ended", "closed"]
