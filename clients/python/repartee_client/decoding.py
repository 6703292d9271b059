"""Decodes the JSON text frames that the server sends."""

import base64
import json
from dataclasses import dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

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
    ToolProgress,
    Transcript,
    TurnEnd,
    TurnRestarted,
)
from repartee.domain.protocol.wire import (
    AcceptedBefore,
    AudioFrame,
    Busy,
    Pong,
    Ready,
    ReconnectSoon,
    Rejected,
    Reply,
)
from repartee_client.errors import BadServerMessageError


@dataclass(frozen=True, slots=True)
class UnknownFrame:
    """A numbered frame of an unknown type; the client acknowledges and ignores it."""

    epoch: int
    seq: int
    type: str


@dataclass(frozen=True, slots=True)
class UndeliveredMessage:
    """API Gateway's report that it could not deliver one of the client's messages.

    The report does not identify the message.
    """

    reason: str


type ServerMessage = Reply | NumberedFrame | UnknownFrame | UndeliveredMessage

_FRAMES: dict[str, TypeAdapter[Any]] = {
    frame.type: TypeAdapter(frame)
    for frame in (
        Accepted,
        Missing,
        AudioFrame,
        Transcript,
        Interrupted,
        ToolProgress,
        TurnRestarted,
        ReplyLost,
        TurnEnd,
        NoSpeech,
        LimitReached,
        SessionClosed,
        SessionError,
    )
}
_UNDELIVERED = {"message", "connectionId", "requestId"}
_REPLIES: dict[str, TypeAdapter[Any]] = {
    reply.type: TypeAdapter(reply)
    for reply in (Ready, Rejected, AcceptedBefore, Busy, Pong, ReconnectSoon)
}


def decode_server_message(text: str) -> ServerMessage | None:
    """Decode one message; return None for an unnumbered message of an unknown type.

    Unknown fields are ignored, so that a newer server can add fields.

    Raises:
        BadServerMessageError: The text is not a JSON object with a type, or a field of a known
            type is invalid.
    """
    try:
        fields = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadServerMessageError(f"not JSON: {text[:80]!r}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        if isinstance(fields, dict) and fields.keys() >= _UNDELIVERED:
            return UndeliveredMessage(str(fields["message"]))
        raise BadServerMessageError(f"no JSON object with a type: {text[:80]!r}")
    name: str = fields["type"]
    try:
        if "epoch" in fields:
            epoch, seq = int(fields["epoch"]), int(fields["seq"])
            if name not in _FRAMES:
                return UnknownFrame(epoch, seq, name)
            frame = _FRAMES[name].validate_python(fields)
            if isinstance(frame, AudioFrame):
                frame = ReplyAudio(frame.turn, base64.b64decode(frame.data, validate=True))
            return NumberedFrame(epoch, seq, cast("Frame", frame))
        if name not in _REPLIES:
            return None
        return cast("Reply", _REPLIES[name].validate_python(fields))
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise BadServerMessageError(f"malformed {name}: {error}") from error
