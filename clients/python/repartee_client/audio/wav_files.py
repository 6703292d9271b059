"""A port that speaks recordings, and writes the replies to a WAV file."""

import asyncio
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

from repartee_client.audio.clock_speaker import ClockSpeaker
from repartee_client.audio.port import SpeechMark
from repartee_client.recordings import (
    OUTPUT_SAMPLE_RATE_HZ,
    SAMPLE_WIDTH_BYTES,
    Recording,
    read_wav,
)

_CHUNK_MS = 20


class WavFiles:
    """A user who speaks recordings, each as one marked utterance.

    Args:
        source: A WAV file of any PCM format, which is spoken first.
        sink: The file for the played parts of the replies, at 24 kHz, without the pauses between
            them.
        speed: How many times faster than real time the user speaks and hears; ``math.inf`` does not
            wait.

    Raises:
        UnusableRecordingError: The source is not a PCM WAV file.
        OSError: The source cannot be read, or the sink cannot be written.
    """

    def __init__(
        self, source: Path | None = None, sink: Path | None = None, *, speed: float = 1.0
    ) -> None:
        self._speed = speed
        self._utterances: asyncio.Queue[tuple[Recording, asyncio.Event]] = asyncio.Queue()
        if source is not None:
            self._utterances.put_nowait((read_wav(source), asyncio.Event()))
        self._is_closed = asyncio.Event()
        self._writer = None if sink is None else _open_sink(sink)
        write = None if self._writer is None else self._writer.writeframes
        self._speaker = ClockSpeaker(_now_ms, heard=write, speed=speed)

    async def speak(self, recording: Recording) -> bool:
        """Speak ``recording``, which has 16 kHz, after the earlier ones.

        Returns:
            Whether it was spoken to its end before the end of the call.
        """
        is_over = asyncio.Event()
        self._utterances.put_nowait((recording, is_over))
        waits = {asyncio.ensure_future(one.wait()) for one in (is_over, self._is_closed)}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return is_over.is_set()

    async def record(self) -> AsyncGenerator[bytes | SpeechMark]:
        """Record each chunk when its last sample would have been spoken in real time."""
        try:
            while True:
                recording, is_over = await self._utterances.get()
                yield SpeechMark.START
                due_ms = _now_ms()
                for chunk in recording.chunks(_CHUNK_MS):
                    due_ms += _CHUNK_MS / self._speed
                    await asyncio.sleep(max(0.0, due_ms - _now_ms()) / 1_000)
                    yield chunk
                yield SpeechMark.END
                is_over.set()
        finally:
            self._is_closed.set()
            self._speaker.stop()
            if self._writer is not None:
                self._writer.close()

    def play(self, pcm: bytes) -> None:
        self._speaker.play(pcm)

    def stop(self) -> None:
        self._speaker.stop()

    def unplayed_ms(self) -> float:
        return self._speaker.unplayed_ms()


def _now_ms() -> float:
    return asyncio.get_running_loop().time() * 1_000


def _open_sink(path: Path) -> wave.Wave_write:
    writer = wave.open(str(path), "wb")  # noqa: SIM115 - ``record`` closes it
    writer.setnchannels(1)
    writer.setsampwidth(SAMPLE_WIDTH_BYTES)
    writer.setframerate(OUTPUT_SAMPLE_RATE_HZ)
    return writer
