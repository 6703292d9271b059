"""Writes the server's messages of the native protocol, version 1, as JSON."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from repartee.adapters.wire.version import FEATURES, PROTOCOL_VERSION
from repartee.domain.audio import INPUT_RATE_HZ, OUTPUT_RATE_HZ
from repartee.domain.protocol.answers import (
    AcceptedBefore,
    Answer,
    Busy,
    Pong,
    Ready,
    ReconnectSoon,
    Rejected,
    ServerMessage,
)
from repartee.domain.protocol.frames import (
    Accepted,
    Frame,
    Interrupted,
    LimitReached,
    Missing,
    NoSpeech,
    NumberedFrame,
    ReplyAudio,
    ReplyLost,
    SessionClosed,
    SessionError,
    SpeechHeard,
    ToolProgress,
    Transcript,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.messages import (
    MAX_AUDIO_BYTES,
    MAX_IN_FLIGHT,
    MAX_TEXT_CHARACTERS,
)

FRAME_TYPES: Mapping[type[Frame], str] = {
    Accepted: "accepted",
    Missing: "missing",
    ReplyAudio: "audio",
    Transcript: "transcript",
    Interrupted: "interrupted",
    ToolProgress: "tool",
    TurnRestarted: "turn_restarted",
    ReplyLost: "reply_lost",
    TurnEnd: "turn_end",
    NoSpeech: "no_speech",
    SpeechHeard: "speech_heard",
    LimitReached: "limit_reached",
    SessionClosed: "closed",
    SessionError: "error",
}
ANSWER_TYPES: Mapping[type[Answer], str] = {
    Ready: "ready",
    Rejected: "error",
    AcceptedBefore: "accepted",
    Busy: "busy",
    Pong: "pong",
    ReconnectSoon: "reconnect_soon",
}
_TYPES: Mapping[type[Any], str] = {**FRAME_TYPES, **ANSWER_TYPES}


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A chunk of the reply: base64 of PCM16 little-endian mono, 24 kHz."""

    turn: int
    data: str


@dataclass(frozen=True, slots=True)
class ReadyFrame:
    """The answer to ``hello``: the user may speak before a worker has started.

    Attributes:
        chunk_ms: The recommended length of the audio in one message.
        grace_s: How long a client may take to reconnect to this session.
        features: The server's additions to protocol version 1.
        next_seq: The number for the client's next message; None when it is not known.
        output_kept: Whether output that the client lacks is buffered and will be sent again.
    """

    session_id: str
    conversation_id: str
    chunk_ms: int
    grace_s: int
    max_in_flight: int = MAX_IN_FLIGHT
    max_audio_bytes: int = MAX_AUDIO_BYTES
    max_text_characters: int = MAX_TEXT_CHARACTERS
    input_rate_hz: int = INPUT_RATE_HZ
    output_rate_hz: int = OUTPUT_RATE_HZ
    protocol: int = PROTOCOL_VERSION
    features: tuple[str, ...] = FEATURES
    next_seq: int | None = None
    output_kept: bool = False


# All other messages have the same fields on the wire as in the domain.
WIRE_FORMS: Mapping[type[Frame | Answer], type[Any]] = {ReplyAudio: AudioFrame, Ready: ReadyFrame}


def encode(message: ServerMessage) -> str:
    """Return a message as the text of one frame.

    The JSON holds characters and no escapes: a character takes at most 4 bytes of UTF-8 instead of
    12. Half of a surrogate pair has no form in UTF-8; a question mark replaces it.
    """
    if isinstance(message, NumberedFrame):
        fields = _fields(message.frame) | {"epoch": message.epoch, "seq": message.seq}
    else:
        fields = _fields(message)
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()


def _fields(content: Frame | Answer) -> dict[str, Any]:
    form: Any = content
    match content:
        case ReplyAudio(turn=turn, pcm=pcm):
            form = AudioFrame(turn, base64.b64encode(pcm).decode())
        case Ready():
            form = ReadyFrame(**asdict(content))
        case _:
            pass
    return {"type": _TYPES[type(content)], **asdict(form)}
