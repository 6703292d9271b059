"""The port through which a call records and plays audio."""

from collections.abc import AsyncGenerator
from enum import Enum
from typing import Protocol


class SpeechMark(Enum):
    """A detector's report of the start or the end of speech."""

    START = "speech_start"
    END = "speech_end"


class AudioPort(Protocol):
    """A microphone and a loudspeaker, or a replacement for them.

    A call uses its port from one event loop. It calls ``record`` once and closes the iterator when
    the call ends. The port then releases its devices.
    """

    def record(self) -> AsyncGenerator[bytes | SpeechMark]:
        """Record the user's voice: PCM16 little-endian mono, 16 kHz, in chunks of any length.

        A port with a detector yields marks around the audio of an utterance. The iterator of
        a port for recordings may end; the call then goes on without input.
        """

    def play(self, pcm: bytes) -> None:
        """Append reply audio to the queue of the loudspeaker: PCM16 little-endian mono, 24 kHz.

        Returns at once.
        """

    def stop(self) -> None:
        """Stop playing at once, and drop the queued audio."""

    def unplayed_ms(self) -> float:
        """Return the length of the queued audio that the user has not heard yet."""
