"""One suite for all audio ports: a user speaks into them and hears the replies."""

import asyncio
import contextlib
import struct
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from repartee_client.audio.port import AudioPort, SpeechMark
from repartee_client.audio.sound_devices import NoSoundError, SoundDevices
from repartee_client.audio.wav_files import WavFiles
from repartee_client.recordings import Recording, write_wav
from tests.manual_audio import ManualAudio
from tests.unit.clients.audio.fake_sounddevice import LATENCY_S, FakeSoundDevice
from tests.virtual_time import in_virtual_time

pytestmark = pytest.mark.unit

# How much later than ordered the sound of a device may come: its latency and two of its blocks.
DELAY_MS = LATENCY_S * 1_000 + 20


def samples(first: int, count: int) -> bytes:
    """Return samples that differ from silence and from each other."""
    return struct.pack(f"<{count}h", *(1 + (first + i) % 30_000 for i in range(count)))


# 1.1 s at 16 kHz from the user; a second of each reply at 24 kHz.
SPEECH = samples(0, 17_600)
REPLY = samples(0, 24_000)
NEXT_REPLY = samples(9_000, 24_000)


@dataclass
class Scene:
    """A port and its user, in a call.

    Attributes:
        recorded: What the port has recorded.
        wait_ms: Lets time pass.
        heard: Returns what the user has heard, without silence.
    """

    port: AudioPort
    recorded: list[bytes | SpeechMark]
    wait_ms: Callable[[float], Awaitable[None]]
    heard: Callable[[], bytes]


def joined(recorded: list[bytes | SpeechMark]) -> bytes:
    return b"".join(part for part in recorded if isinstance(part, bytes))


async def sleep_ms(ms: float) -> None:
    await asyncio.sleep(ms / 1_000)


@asynccontextmanager
async def in_a_call(port: AudioPort) -> AsyncIterator[list[bytes | SpeechMark]]:
    """Record as a call does."""
    recorded = []

    async def record() -> None:
        with contextlib.suppress(NoSoundError):
            async with aclosing(port.record()) as parts:
                async for part in parts:
                    recorded.append(part)
        # A device is released when its recording ends, and no device of these tests ends early.
        await asyncio.Event().wait()

    recording = asyncio.create_task(record())
    await asyncio.sleep(0)
    try:
        yield recorded
    finally:
        recording.cancel()
        await asyncio.gather(recording, return_exceptions=True)


@asynccontextmanager
async def manual(_folder: Path, _patch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    port = ManualAudio()
    port.speak(SPEECH[:20_000], SPEECH[20_000:])
    port.end()

    async def wait_ms(ms: float) -> None:
        await asyncio.sleep(0)
        port.advance(ms)

    async with in_a_call(port) as recorded:
        yield Scene(port, recorded, wait_ms, lambda: bytes(port.heard))


@asynccontextmanager
async def wav_files(folder: Path, _patch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    source, sink = folder / "in.wav", folder / "out.wav"
    write_wav(source, Recording(SPEECH))
    port = WavFiles(source, sink)
    async with in_a_call(port) as recorded:
        # The length in the header is written at the end of the call.
        yield Scene(port, recorded, sleep_ms, lambda: sink.read_bytes()[44:])


@asynccontextmanager
async def sound_devices(_folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    library = FakeSoundDevice(SPEECH + bytes(1_000_000))
    patch.setitem(sys.modules, "sounddevice", library)
    port = SoundDevices()
    async with in_a_call(port) as recorded:
        yield Scene(port, recorded, sleep_ms, lambda: bytes(library.heard).strip(b"\0"))
    assert all(stream.is_closed for stream in library.streams)


type Opener = Callable[[Path, pytest.MonkeyPatch], AbstractAsyncContextManager[Scene]]
every_port = pytest.mark.parametrize("opened", [manual, wav_files, sound_devices])


@every_port
@in_virtual_time
async def test_the_users_speech_is_recorded_whole(opened: Opener, tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as scene:
        await scene.wait_ms(1_250)
        assert joined(scene.recorded).rstrip(b"\0") == SPEECH.rstrip(b"\0")


@every_port
@in_virtual_time
async def test_replies_are_played_in_real_time_and_in_order(opened: Opener, tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as scene:
        assert scene.port.unplayed_ms() == 0
        scene.port.play(REPLY[:30_000])
        scene.port.play(REPLY[30_000:])
        assert scene.port.unplayed_ms() == 1_000
        await scene.wait_ms(400)

        assert 600 <= round(scene.port.unplayed_ms()) <= 600 + DELAY_MS
        await scene.wait_ms(600 + DELAY_MS)
        assert scene.port.unplayed_ms() == 0
        assert scene.heard() == REPLY


@every_port
@in_virtual_time
async def test_a_stopped_speaker_is_silent_at_once(opened: Opener, tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as scene:
        scene.port.play(REPLY)
        await scene.wait_ms(300)
        scene.port.stop()

        assert scene.port.unplayed_ms() <= DELAY_MS
        heard = scene.heard()
        assert (300 - DELAY_MS) * 48 <= len(heard) <= 300 * 48
        await scene.wait_ms(2_000)
        assert scene.heard() == heard
        assert scene.port.unplayed_ms() == 0


@every_port
@in_virtual_time
async def test_a_reply_after_a_stop_is_played_from_its_start(opened: Opener, tmp_path, monkeypatch):
    async with opened(tmp_path, monkeypatch) as scene:
        scene.port.play(REPLY)
        await scene.wait_ms(300)
        scene.port.stop()
        before = scene.heard()
        scene.port.play(NEXT_REPLY)
        await scene.wait_ms(500)

        assert 500 <= round(scene.port.unplayed_ms()) <= 500 + DELAY_MS
        await scene.wait_ms(500 + DELAY_MS)
        assert scene.port.unplayed_ms() == 0
        assert scene.heard() == before + NEXT_REPLY


# WAV files


@in_virtual_time
async def test_each_recording_is_marked_and_spoken_in_real_time(tmp_path):
    port = WavFiles()
    loop = asyncio.get_running_loop()
    async with in_a_call(port) as recorded:
        await port.speak(Recording(SPEECH))
        assert loop.time() == pytest.approx(1.1)
        await asyncio.sleep(5)
        await port.speak(Recording(SPEECH[:6_400]))
        assert loop.time() == pytest.approx(6.3)

    marks = [part for part in recorded if isinstance(part, SpeechMark)]
    assert marks == [SpeechMark.START, SpeechMark.END] * 2
    assert recorded[-1] is SpeechMark.END


@in_virtual_time
async def test_the_file_of_a_call_that_ended_holds_what_was_played(tmp_path):
    sink = tmp_path / "out.wav"
    port = WavFiles(sink=sink)
    async with in_a_call(port):
        port.play(REPLY)
        await sleep_ms(250)
        port.stop()
    with wave.open(str(sink)) as reader:
        assert reader.getparams()[:4] == (1, 2, 24_000, 6_000)


@in_virtual_time
async def test_fast_files_take_no_time():
    port = WavFiles(speed=float("inf"))
    async with in_a_call(port) as recorded:
        await port.speak(Recording(SPEECH))
        port.play(REPLY)
        assert port.unplayed_ms() == 0
        assert joined(recorded) == SPEECH
        assert asyncio.get_running_loop().time() == 0


# Devices


@in_virtual_time
async def test_a_half_duplex_microphone_is_muted_while_a_reply_plays(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSoundDevice(SPEECH))
    port = SoundDevices(is_half_duplex=True)
    async with in_a_call(port) as recorded:
        port.play(REPLY[:24_000])
        await sleep_ms(1_110)

    speech = joined(recorded)
    assert len(speech) == len(SPEECH)
    assert not any(speech[: 500 * 32])
    assert speech[560 * 32 :] == SPEECH[560 * 32 :]


@in_virtual_time
async def test_an_unplugged_microphone_is_reported(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSoundDevice(SPEECH))
    with pytest.raises(NoSoundError, match="the microphone was unplugged"):
        async for _ in SoundDevices().record():
            pass


@pytest.mark.parametrize(("missing", "name"), [("input", "microphone"), ("output", "speaker")])
def test_a_missing_device_is_named(missing, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSoundDevice(missing=missing))
    with pytest.raises(NoSoundError, match=f"the {name} cannot be used at .* device -1"):
        SoundDevices()


@pytest.mark.parametrize(
    ("failure", "remedy"),
    [
        (ImportError("no module"), "pip install sounddevice"),
        (OSError("PortAudio library not found"), "apt install libportaudio2"),
    ],
)
def test_a_missing_library_is_named_with_its_remedy(failure, remedy, monkeypatch):
    class Missing:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise failure

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(NoSoundError, match=remedy):
        SoundDevices()
