"""Ports of the live model."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from repartee.domain.live.model import LiveConfig, LiveEvent, ToolResponse


class LiveSession(Protocol):
    """One open conversation with a live speech model.

    Sending on a closed session does nothing: ``events`` has ended or ends with ``LiveClosed``.
    """

    async def send_audio(self, pcm: bytes) -> None:
        """Send PCM16 little-endian mono, 16 kHz."""
        ...

    async def start_activity(self) -> None:
        """Say that the user begins to speak; for ``TurnDetection.CLIENT`` alone."""
        ...

    async def end_activity(self) -> None:
        """Say that the user has stopped speaking; for ``TurnDetection.CLIENT`` alone."""
        ...

    async def end_audio_stream(self) -> None:
        """Say that no audio follows for now, so that the model need not wait for more silence."""
        ...

    async def send_text(self, text: str) -> None:
        """Send what the user typed as a complete turn."""
        ...

    async def respond_to_tools(self, responses: Sequence[ToolResponse]) -> None:
        """Answer tool calls."""
        ...

    def events(self) -> AsyncIterator[LiveEvent]:
        """Yield what the model says until the session closes; the last is ``LiveClosed``."""
        ...

    async def close(self) -> None:
        """Close the session and wait until it is closed."""
        ...


class LiveModel(Protocol):
    """Opens live sessions."""

    async def open(self, config: LiveConfig) -> LiveSession:
        """Set up a session, seeded with the config's history.

        Raises:
            LiveSetupFailed: It was refused or could not be reached.
        """
        ...
