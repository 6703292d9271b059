"""The interface of a voice-activity detector.

The worker uses its results for bookkeeping only, because Gemini decides when to answer.
"""

from enum import Enum, auto
from typing import Protocol


class SpeechEdge(Enum):
    """A change that a detector found in a chunk of audio.

    Attributes:
        ONSET: Speech has started.
        END: Speech has ended.
        SOUND: Sound as long as a short word, without an onset: noise or a whisper.
    """

    ONSET = auto()
    END = auto()
    SOUND = auto()


class SpeechDetector(Protocol):
    """Detects speech in one user's audio; the same bytes always give the same edges."""

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        """Process the next chunk, 16 kHz PCM16; return the last edge in it, if any."""
        ...

    def forget(self) -> None:
        """Reset to silence, because the next chunk does not follow the last one."""
        ...
