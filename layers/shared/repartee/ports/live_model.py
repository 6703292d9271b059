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
        """Mark the start of the user's speech; for ``TurnDetection.CLIENT`` only."""
        ...

    async def end_activity(self) -> None:
        """Mark the end of the user's speech; for ``TurnDetection.CLIENT`` only."""
        ...

    async def end_audio_stream(self) -> None:
        """Mark a pause in the audio, so that the model does not wait for more silence."""
        ...

    async def send_text(self, text: str) -> None:
        """Send typed text as a complete turn."""
        ...

    async def respond_to_tools(self, responses: Sequence[ToolResponse]) -> None:
        """Answer tool calls."""
        ...

    def events(self) -> AsyncIterator[LiveEvent]:
        """Yield the model's events until the session closes; the last one is ``LiveClosed``."""
        ...

    async def close(self) -> None:
        """Close the session and wait until it is closed."""
        ...


class LiveModel(Protocol):
    """Opens Live sessions."""

    async def open(self, config: LiveConfig) -> LiveSession:
        """Set up a session, seeded with the config's history.

        Raises:
            LiveSetupFailed: The model refused or could not be reached.
        """
        ...
