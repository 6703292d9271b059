"""The machine's microphone and speaker, through PortAudio (extra ``audio``)."""

import asyncio
import contextlib
import importlib
import threading
from collections.abc import AsyncGenerator
from typing import Any

from repartee_client.audio.port import SpeechMark
from repartee_client.errors import VoiceClientError

_INPUT_RATE_HZ = 16_000
_OUTPUT_RATE_HZ = 24_000
_OUTPUT_BYTES_PER_S = _OUTPUT_RATE_HZ * 2
_CHUNK_SAMPLES = 320
# Short, because a device plays the audio that it has taken even after ``stop``.
_LATENCY_S = 0.05


class NoSoundError(VoiceClientError):
    """The microphone or the speaker cannot be used; the message names the reason and a remedy."""


class SoundDevices:
    """A port for the microphone and the speaker of this machine.

    Without headphones or echo cancellation, the microphone hears the speaker, and a reply
    interrupts itself.

    Args:
        microphone: The number or name of the device; None for the default.
        speaker: The number or name of the device; None for the default.
        is_half_duplex: Whether the microphone is muted while a reply plays. The user cannot
            interrupt a reply then, and needs no headphones.

    Raises:
        NoSoundError: sounddevice, PortAudio or a device is missing.
    """

    def __init__(
        self,
        *,
        microphone: int | str | None = None,
        speaker: int | str | None = None,
        is_half_duplex: bool = False,
    ) -> None:
        self._library = _sounddevice()
        self._input = {
            "device": microphone,
            "samplerate": _INPUT_RATE_HZ,
            "channels": 1,
            "dtype": "int16",
        }
        self._output = {**self._input, "device": speaker, "samplerate": _OUTPUT_RATE_HZ}
        self._is_half_duplex = is_half_duplex
        # PortAudio calls ``_fill`` in another thread.
        self._lock = threading.Lock()
        self._queue = bytearray()
        # When the device finishes its buffered audio, by the clock of its stream.
        self._sounds_until_s = 0.0
        self._stream: Any = None
        for check, settings, name in (
            (self._library.check_input_settings, self._input, "microphone"),
            (self._library.check_output_settings, self._output, "speaker"),
        ):
            try:
                check(**settings)
            except (self._library.PortAudioError, ValueError) as error:
                raise NoSoundError(
                    f"the {name} cannot be used at {settings['samplerate']} Hz: {error}; "
                    "`python -m sounddevice` lists the devices"
                ) from error

    async def record(self) -> AsyncGenerator[bytes | SpeechMark]:
        """Open both devices, and record without marks: the server detects the speech.

        Raises:
            NoSoundError: A device cannot be opened, or the microphone was unplugged.
        """
        loop = asyncio.get_running_loop()
        spoken: asyncio.Queue[bytes] = asyncio.Queue()

        def take(pcm: bytes) -> None:
            # The loop may be closed when a device ends.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(spoken.put_nowait, pcm)

        try:
            with (
                self._library.RawOutputStream(
                    callback=self._fill, latency=_LATENCY_S, **self._output
                ) as self._stream,
                self._library.RawInputStream(
                    callback=lambda heard, *_: take(bytes(heard)),
                    finished_callback=lambda: take(b""),
                    blocksize=_CHUNK_SAMPLES,
                    **self._input,
                ),
            ):
                while pcm := await spoken.get():
                    is_muted = self._is_half_duplex and self.unplayed_ms() > 0
                    yield bytes(len(pcm)) if is_muted else pcm
        except self._library.PortAudioError as error:
            raise NoSoundError(f"the sound devices failed: {error}") from error
        finally:
            self._stream = None
        raise NoSoundError("the microphone was unplugged")

    def play(self, pcm: bytes) -> None:
        with self._lock:
            self._queue += pcm

    def stop(self) -> None:
        with self._lock:
            self._queue.clear()

    def unplayed_ms(self) -> float:
        with self._lock:
            queued_s = len(self._queue) / _OUTPUT_BYTES_PER_S
            sounding_s = 0.0 if self._stream is None else self._sounds_until_s - self._stream.time
        return (queued_s + max(0.0, sounding_s)) * 1_000

    def _fill(self, out: Any, _frames: int, at: Any, _status: object) -> None:
        with self._lock:
            pcm = bytes(self._queue[: len(out)])
            del self._queue[: len(out)]
            if pcm:
                self._sounds_until_s = at.outputBufferDacTime + len(pcm) / _OUTPUT_BYTES_PER_S
        out[:] = pcm.ljust(len(out), b"\0")


def _sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError as error:
        raise NoSoundError("sounddevice is not installed: pip install sounddevice") from error
    except OSError as error:
        raise NoSoundError(
            f"{error}: install PortAudio (Debian and Ubuntu: apt install libportaudio2)"
        ) from error
