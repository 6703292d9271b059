"""Speaks a reply at its pace, and keeps what of it got out."""

import asyncio
import time
from dataclasses import dataclass, field, replace

from local.gemini.context import OUTPUT_BYTES_PER_S, Item
from local.gemini.faults import Faults
from local.gemini.outlet import Outlet
from local.gemini.protocol import Refused, Setup
from local.gemini.records import Record
from local.gemini.settings import Settings
from local.gemini.voice import Voice, VoiceStyle, split_audio, split_words


@dataclass(slots=True)
class Generation:
    """What the reply under way has emitted so far."""

    reply: int
    text: str = ""
    audio_bytes: int = 0
    calls: list[str] = field(default_factory=list)

    def items(self) -> list[Item]:
        items = [Item("call", text) for text in self.calls]
        if self.text or self.audio_bytes:
            items.append(Item("model", self.text, "AUDIO", self.audio_bytes / OUTPUT_BYTES_PER_S))
        return items


class Mouth:
    """Says one session's replies to its client."""

    def __init__(
        self,
        connection_id: str,
        setup: Setup,
        outlet: Outlet,
        record: Record,
        voice: Voice,
        faults: Faults,
        settings: Settings,
    ) -> None:
        speech = setup.generation_config.speech_config
        self._connection_id = connection_id
        self._style = VoiceStyle(
            speech.voice_config.prebuilt_voice_config.voice_name, speech.language_code
        )
        self._transcribes = setup.output_audio_transcription is not None
        self._outlet = outlet
        self._record = record
        self._voice = voice
        self._faults = faults
        self._settings = settings

    async def speak(self, text: str, generation: Generation) -> None:
        """Say a text; what got out is in the generation, even where this is cancelled.

        Raises:
            Refused: A fault ends the connection.
        """
        settings = self._slowed(generation.reply)
        parts = split_audio(await self._voice.speak(text, self._style))
        if settings.first_audio_ms:
            await asyncio.sleep(settings.first_audio_ms / 1000)
        start_s = time.monotonic()
        emitted = 0
        spaced = " " if generation.text else ""
        for pcm, words in zip(parts, split_words(text, len(parts)), strict=True):
            if words:
                generation.text += spaced + words
                spaced = ""
                if self._transcribes:
                    await self._outlet.content(outputTranscription={"text": words})
            generation.audio_bytes += len(pcm)
            await self._outlet.audio(generation.reply, pcm)
            emitted += len(pcm)
            if fault := self._faults.take("close", "audio", self._connection_id):
                raise Refused(fault.code, fault.reason)
            await self._sleep_until(start_s, emitted, settings.speed)
        await self._outlet.content(generationComplete=True)
        if settings.wait_for_playback:
            await self._sleep_until(start_s, emitted, 1.0)

    def _slowed(self, reply: int) -> Settings:
        """How this reply is spoken."""
        fault = self._faults.take("slow_reply", "turn", self._connection_id)
        if fault is None:
            return self._settings
        self._record.event("fault", fault="slow_reply", reply=reply)
        return replace(self._settings, speed=fault.speed, wait_for_playback=True)

    async def _sleep_until(self, start_s: float, emitted_bytes: int, speed: float | None) -> None:
        if speed is None:
            return
        due_s = start_s + emitted_bytes / OUTPUT_BYTES_PER_S / speed
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
