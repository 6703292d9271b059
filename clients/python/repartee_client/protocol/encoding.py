"""Encodes the client's messages as JSON text frames."""

import base64
import json
from typing import Any

from repartee_client.protocol.messages import (
    Audio,
    Bye,
    Hello,
    Message,
    OutputPosition,
    SpeechEnd,
    SpeechStart,
    Stop,
    Text,
)

PROTOCOL_VERSION = 1


def encode_message(seq: int, message: Message) -> str:
    """Encode a numbered message."""
    match message:
        case Hello():
            return _encode("hello", seq=seq, protocol=PROTOCOL_VERSION, **_hello_fields(message))
        case Audio(pcm=pcm):
            return _encode("audio", seq=seq, data=base64.b64encode(pcm).decode())
        case SpeechStart():
            return _encode("speech_start", seq=seq)
        case SpeechEnd():
            return _encode("speech_end", seq=seq)
        case Text(text=text):
            return _encode("text", seq=seq, text=text)
        case Stop():
            return _encode("stop", seq=seq)
        case Bye():
            return _encode("bye", seq=seq)


def encode_ack(received: OutputPosition, turn: int, played_ms: int) -> str:
    """Encode an acknowledgement of the received frames and of the played part of a turn."""
    return _encode("ack", received=_position(received), turn=turn, played_ms=played_ms)


def encode_ping(*, owed: bool) -> str:
    """Encode a ping; ``owed`` states that the client waits for an answer."""
    return _encode("ping", owed=owed)


def _hello_fields(hello: Hello) -> dict[str, Any]:
    # A server without a feature refuses its field.
    fields: dict[str, Any] = {}
    if hello.resume_from is not None:
        fields["resume_from"] = _position(hello.resume_from)
    if hello.marks_speech:
        fields["marks_speech"] = True
    if hello.features:
        fields["features"] = hello.features
    return fields


def _position(position: OutputPosition) -> dict[str, int]:
    return {"epoch": position.epoch, "seq": position.seq}


def _encode(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, ensure_ascii=False, separators=(",", ":"))
