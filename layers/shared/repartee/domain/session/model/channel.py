"""Collects the work for the live-model lane. No other module makes such work."""

from decimal import Decimal

from repartee.domain.live.model import LiveConfig, ToolResponse
from repartee.domain.session.effects import (
    EndActivity,
    EndAudioStream,
    ModelEffect,
    OpenLive,
    RespondToTool,
    SendAudio,
    SendSilence,
    SendText,
    StartActivity,
)


class ModelChannel:
    """The queue to the live model; work is done in the order of the calls."""

    def __init__(self) -> None:
        self._work: list[ModelEffect] = []

    def open(self, generation: int, config: LiveConfig, saves_usd: Decimal | None) -> None:
        """Open a Live session, and close an open one first."""
        self._work.append(OpenLive(generation, config, saves_usd))

    def send_audio(self, pcm: bytes) -> None:
        """Send the user's audio: PCM16 little-endian mono, 16 kHz."""
        self._work.append(SendAudio(pcm))

    def send_silence(self, duration_ms: int) -> None:
        """Send silence."""
        self._work.append(SendSilence(duration_ms))

    def send_text(self, text: str) -> None:
        """Send text as if the user had typed it."""
        self._work.append(SendText(text))

    def start_activity(self) -> None:
        """Mark the start of the user's speech."""
        self._work.append(StartActivity())

    def end_activity(self) -> None:
        """Mark the end of the user's speech."""
        self._work.append(EndActivity())

    def end_stream(self) -> None:
        """Announce that no audio follows for now."""
        self._work.append(EndAudioStream())

    def respond(self, response: ToolResponse) -> None:
        """Answer a tool call."""
        self._work.append(RespondToTool(response))

    def take_work(self) -> tuple[ModelEffect, ...]:
        """Return the work since the last call, in order."""
        if not self._work:
            return ()
        work, self._work = tuple(self._work), []
        return work
