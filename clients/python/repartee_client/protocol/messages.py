"""The numbered messages that a client sends."""

from dataclasses import dataclass
from typing import TypeAlias

STOP = "stop"
"""The feature of a server that takes ``Stop``."""
SPEECH_HEARD = "speech_heard"
"""The feature of a server that sends ``SpeechHeard``."""


@dataclass(frozen=True, slots=True)
class OutputPosition:
    """The position up to which a client has received a session's output.

    Attributes:
        epoch: The worker's epoch in the frames.
        seq: The highest number up to which nothing is missing; 0 for none.
    """

    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Hello:
    """The first message of every connection.

    Attributes:
        resume_from: The output that the client has received; None if it wants no earlier output.
        marks_speech: The client sends ``SpeechStart`` and ``SpeechEnd`` around all speech.
        features: The features that both the client and the server have.
    """

    resume_from: OutputPosition | None = None
    marks_speech: bool = False
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audio:
    """A chunk of the user's voice: PCM16 little-endian mono, 16 kHz."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpeechStart:
    """The user begins to speak."""


@dataclass(frozen=True, slots=True)
class SpeechEnd:
    """The user has finished; audio may follow."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text that the user typed."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The user stops the reply without speech."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The user hangs up: the session ends, the conversation is kept."""


Message: TypeAlias = Hello | Audio | SpeechStart | SpeechEnd | Text | Stop | Bye
