"""Cuts a connection's audio into utterances, by the model's detector or by the client's marks."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import audioop

from local.gemini.live.connection import Connection
from local.gemini.live.model_rules import ModelRules
from local.gemini.live.protocol import Blob, ServerClose, Setup
from local.gemini.live.turn_inputs import SpokenInput
from local.gemini.mind.brain import Brain
from local.gemini.speech.vad import (
    FRAME_BYTES,
    SAMPLE_RATE_HZ,
    Segmenter,
    SpeechAudio,
    SpeechEnded,
    SpeechEvent,
    SpeechStarted,
    VadSettings,
)

LOW_END_SENSITIVITY_SILENCE_MS = 900
# Longer ones are never dropped: python-genai#2903 reports 1 to 2 s.
SHORT_UTTERANCE_MS = 2_000
_BYTES_PER_MS = SAMPLE_RATE_HZ * 2 // 1_000
_REFUSED_MARK = (
    "Explicit activity control is not supported when automatic activity detection is enabled."
)


@dataclass(slots=True)
class Listener:
    """Listens to the user of one connection.

    Attributes:
        is_paced: Whether silence after speech counts in real time, however fast it arrives.
    """

    connection: Connection
    brain: Brain
    is_paced: bool = field(kw_only=True)
    _segmenter: Segmenter | None = field(init=False, default=None)
    _utterance: bytearray | None = field(init=False, default=None)
    _resampling: Any = field(init=False, default=None)
    _paced: asyncio.Queue[bytes | None] = field(init=False, default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        setup = self.connection.setup
        if not setup.realtime_input_config.automatic_activity_detection.disabled:
            self._segmenter = Segmenter(_vad_settings(setup, self.connection.rules))

    async def run(self) -> None:
        """Process the audio of a paced connection in real time until cancelled."""
        quiet_since_s = 0.0
        while True:
            frame = await self._paced.get()
            await self._detect(frame)
            quiet_ms = self._segmenter.quiet_ms if self._segmenter else 0
            if not quiet_ms:
                quiet_since_s = time.monotonic()
            else:
                due_s = quiet_since_s + quiet_ms / 1_000
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def take_audio(self, blob: Blob) -> None:
        """Take the samples of one message.

        Raises:
            ServerClose: They are not PCM16, or a blocking call waits for its answer.
        """
        if any(pending.blocking for pending in self.brain.pending.values()):
            raise ServerClose(1008, "Operation is not implemented, or supported, or enabled.")
        if len(blob.data) % 2:
            raise ServerClose(1007, "Audio must be 16-bit PCM.")
        self.connection.record.heard(blob.data)
        pcm = blob.data
        if blob.rate_hz != SAMPLE_RATE_HZ:
            pcm, self._resampling = audioop.ratecv(
                pcm, 2, 1, blob.rate_hz, SAMPLE_RATE_HZ, self._resampling
            )
        self.brain.unheard_bytes += len(pcm)
        if self._segmenter is None:
            if self._utterance is not None:
                self._utterance += pcm
        elif self.is_paced:
            for start in range(0, len(pcm), FRAME_BYTES):
                self._paced.put_nowait(pcm[start : start + FRAME_BYTES])
        else:
            await self._detect(pcm)

    async def take_mark(self, *, is_start: bool) -> None:
        """Take ``activityStart`` or ``activityEnd``; audio outside of them is ignored.

        Raises:
            ServerClose: The model's own detector is on.
        """
        if self._segmenter:
            raise ServerClose(1007, _REFUSED_MARK)
        if is_start:
            await self._speech_started(SpeechStarted(0))
        elif self._utterance is not None:
            await self._speech_ended(SpeechEnded(0, len(self._utterance) // _BYTES_PER_MS))

    async def end_stream(self) -> None:
        """Take ``audioStreamEnd``.

        Raises:
            ServerClose: The model's own detector is off, which the message requires.
        """
        if self._segmenter is None:
            raise ServerClose(1007, "audioStreamEnd needs automatic activity detection.")
        if not self.connection.rules.obeys_audio_stream_end:
            return
        if self.is_paced:
            self._paced.put_nowait(None)
        else:
            await self._detect(None)

    async def _detect(self, pcm: bytes | None) -> None:
        """Pass samples, or the end of the stream, to the detector."""
        if self._segmenter is None:
            return
        events = self._segmenter.end_stream() if pcm is None else self._segmenter.feed(pcm)
        for event in events:
            await self._on_speech(event)

    async def _on_speech(self, event: SpeechEvent) -> None:
        match event:
            case SpeechStarted():
                await self._speech_started(event)
            case SpeechAudio() if self._utterance is not None:
                self._utterance += event.pcm
            case SpeechEnded() if self._utterance is not None:
                if not self._drops(event):
                    await self._speech_ended(event)
            case _:
                pass

    async def _speech_started(self, event: SpeechStarted) -> None:
        self.connection.record.event("speech_started", offset_ms=event.offset_ms)
        self._utterance = bytearray()
        self.brain.user_quiet.clear()
        await self._signal("ACTIVITY_START", event.offset_ms)
        if self.connection.setup.realtime_input_config.activity_handling != "NO_INTERRUPTION":
            await self.brain.interrupt()

    async def _speech_ended(self, event: SpeechEnded) -> None:
        utterance, self._utterance = self._utterance, None
        if utterance is None:
            return
        self.connection.record.event("speech_ended", offset_ms=event.offset_ms)
        words = self.connection.simulator.ears.hear(bytes(utterance))
        self.brain.put(SpokenInput(words, event.voiced_ms, self.brain.take_unheard_s()))
        self.brain.user_quiet.set()
        await self._signal("ACTIVITY_END", event.offset_ms)

    def _drops(self, event: SpeechEnded) -> bool:
        """Return whether a fault drops a short utterance; the client gets no sign of it."""
        if event.voiced_ms > SHORT_UTTERANCE_MS:
            return False
        if not self.connection.fault("dropped_short_utterance"):
            return False
        self._utterance = None
        self.brain.user_quiet.set()
        return True

    async def _signal(self, kind: str, offset_ms: int) -> None:
        if self.connection.setup.explicit_vad_signal:
            offset = f"{offset_ms / 1000:g}s"
            await self.connection.sender.send(
                {"voiceActivity": {"type": kind, "audioOffset": offset}}
            )


def _vad_settings(setup: Setup, rules: ModelRules) -> VadSettings:
    """Convert Gemini's detection settings; the service's defaults are not documented."""
    detection = setup.realtime_input_config.automatic_activity_detection
    default = VadSettings()
    silence_ms = detection.silence_duration_ms
    if silence_ms is None:
        low = detection.end_of_speech_sensitivity == "END_SENSITIVITY_LOW"
        silence_ms = LOW_END_SENSITIVITY_SILENCE_MS if low else rules.silence_ms
    low_start = detection.start_of_speech_sensitivity == "START_SENSITIVITY_LOW"
    return VadSettings(
        start_ms=detection.prefix_padding_ms or default.start_ms,
        silence_ms=silence_ms,
        aggressiveness=3 if low_start else default.aggressiveness,
    )
