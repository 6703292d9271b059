"""What a voice-activity detector tells. It keeps the books; Gemini decides when to answer."""

from enum import Enum, auto
from typing import Protocol


class SpeechEdge(Enum):
    """A change that a detector found in a chunk of audio.

    Attributes:
        ONSET: Speech has begun.
        END: The speech is over.
        SOUND: There was no onset, but sound for as long as a short word: noise, or a whisper.
    """

    ONSET = auto()
    END = auto()
    SOUND = auto()


class SpeechDetector(Protocol):
    """Follows one user's audio; the same bytes always give the same edges."""

    def hear(self, pcm: bytes) -> SpeechEdge | None:
        """Take the next chunk, 16 kHz PCM16; return the last edge in it, if any."""
        ...

    def forget(self) -> None:
        """Begin in silence: what comes next does not follow what came before."""
        ...
