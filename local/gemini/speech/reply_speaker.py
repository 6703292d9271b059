"""Speaks a reply at its pace, and records the emitted part."""

import asyncio
import time
from dataclasses import dataclass, field, replace

import audioop

from local.gemini.live.connection import Connection
from local.gemini.live.context import OUTPUT_BYTES_PER_S, Item
from local.gemini.mind.languages import language_of, languages, requested_tag
from local.gemini.settings import SimulatorSettings
from local.gemini.speech.voice import VoiceStyle, split_audio, split_words

# Full scale becomes 16 of 32,768, which is -66 dBFS.
NEAR_SILENCE = 0.0005


@dataclass(slots=True)
class Generation:
    """The emitted part of the current reply."""

    reply: int
    text: str = ""
    audio_bytes: int = 0
    calls: list[str] = field(default_factory=list)

    def items(self) -> list[Item]:
        items = [Item("call", text) for text in self.calls]
        if self.text or self.audio_bytes:
            items.append(Item("model", self.text, "AUDIO", self.audio_bytes / OUTPUT_BYTES_PER_S))
        return items


class ReplySpeaker:
    """Speaks the replies of one session to its client."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sender = connection.sender

    async def speak(self, text: str, generation: Generation) -> None:
        """Speak a text; the generation holds the emitted part, also after a cancellation.

        Raises:
            ServerClose: A fault ends the connection.
        """
        settings = self._slowed()
        if self._connection.fault("text_without_audio"):
            generation.text += text
            await self._sender.part(text=text)
        else:
            await self._say(text, generation, settings)

    async def _say(self, text: str, generation: Generation, settings: SimulatorSettings) -> None:
        setup, voice = self._connection.setup, self._connection.simulator.voice
        chosen_s = time.monotonic()
        volume = NEAR_SILENCE if self._connection.fault("near_silent_audio") else 1.0
        # Some short replies have no transcript (langwatch/scenario#446).
        is_transcribed = (
            setup.output_audio_transcription is not None
            and self._connection.fault("no_reply_transcript") is None
        )
        start_s = chosen_s + settings.first_audio_ms / 1000
        emitted = 0
        gap_before_reply = " " if generation.text else ""
        async for sentence, spoken in voice.stream(text, self._style(text)):
            if not spoken:
                continue
            if not emitted:
                await asyncio.sleep(max(0.0, start_s - time.monotonic()))
                start_s = time.monotonic()
            gap = " " if emitted else ""
            parts = split_audio(audioop.mul(spoken, 2, volume))
            for pcm, words in zip(parts, split_words(sentence, len(parts)), strict=True):
                if words:
                    generation.text += gap_before_reply + gap + words
                    if is_transcribed:
                        await self._sender.content(outputTranscription={"text": gap + words})
                    gap_before_reply = gap = ""
                generation.audio_bytes += len(pcm)
                await self._sender.audio(generation.reply, pcm)
                emitted += len(pcm)
                if fault := self._connection.fault("close", "audio"):
                    raise fault.refusal
                await self._sleep_until(start_s, emitted, settings.speed)
        await self._sender.content(generationComplete=True)
        if settings.wait_for_playback:
            await self._sleep_until(start_s, emitted, 1.0)

    def _style(self, text: str) -> VoiceStyle:
        """Return the voice; native audio detects the language and ignores ``languageCode``."""
        setup = self._connection.setup
        language = language_of(text)
        name = setup.generation_config.speech_config.voice_config.prebuilt_voice_config.voice_name
        tag = languages()[language].tag if language else requested_tag(setup.instruction)
        return VoiceStyle(name, tag or "en-US")

    def _slowed(self) -> SimulatorSettings:
        """Return the settings for this reply."""
        settings = self._connection.simulator.settings
        if fault := self._connection.fault("slow_reply"):
            return replace(settings, speed=fault.speed, wait_for_playback=True)
        return settings

    async def _sleep_until(self, start_s: float, emitted_bytes: int, speed: float | None) -> None:
        if speed is None:
            return
        due_s = start_s + emitted_bytes / OUTPUT_BYTES_PER_S / speed
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
