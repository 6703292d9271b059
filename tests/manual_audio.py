"""A port for tests: time and the user's speech are moved by hand."""

import asyncio
from collections.abc import AsyncGenerator

from repartee_client.audio.clock_speaker import ClockSpeaker
from repartee_client.audio.port import SpeechMark


class ManualAudio:
    """A port whose user speaks and hears only what a test orders.

    Attributes:
        heard: The audio that has been played so far.
    """

    def __init__(self) -> None:
        self.heard = bytearray()
        self._now_ms = 0.0
        self._spoken: asyncio.Queue[bytes | SpeechMark | None] = asyncio.Queue()
        self._speaker = ClockSpeaker(lambda: self._now_ms, heard=self.heard.extend)

    def speak(self, *parts: bytes | SpeechMark) -> None:
        """Let the user speak."""
        for part in parts:
            self._spoken.put_nowait(part)

    def end(self) -> None:
        """End the recording."""
        self._spoken.put_nowait(None)

    def advance(self, ms: float) -> None:
        """Move the time, and with it the speaker."""
        self._now_ms += ms
        self._speaker.advance()

    async def record(self) -> AsyncGenerator[bytes | SpeechMark]:
        while (part := await self._spoken.get()) is not None:
            yield part

    def play(self, pcm: bytes) -> None:
        self._speaker.play(pcm)

    def stop(self) -> None:
        self._speaker.stop()

    def unplayed_ms(self) -> float:
        return self._speaker.unplayed_ms()
