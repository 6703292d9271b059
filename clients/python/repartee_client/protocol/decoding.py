"""Decodes the JSON text frames that the server sends."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from repartee.adapters.wire.encoding import (
    ANSWER_TYPES,
    FRAME_TYPES,
    WIRE_FORMS,
    AudioFrame,
    ReadyFrame,
)
from repartee.domain.protocol.answers import Answer, Ready
from repartee.domain.protocol.frames import Frame, NumberedFrame, ReplyAudio
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


DecodedMessage: TypeAlias = Answer | NumberedFrame | UnknownFrame | UndeliveredMessage

_UNDELIVERED = {"message", "connectionId", "requestId"}


def _adapters(types: Mapping[type[Any], str]) -> dict[str, TypeAdapter[Any]]:
    return {name: TypeAdapter(WIRE_FORMS.get(kind, kind)) for kind, name in types.items()}


_FRAMES = _adapters(FRAME_TYPES)
_ANSWERS = _adapters(ANSWER_TYPES)


def decode_server_message(text: str) -> DecodedMessage | None:
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
            return NumberedFrame(epoch, seq, _frame(frame))
        if name not in _ANSWERS:
            return None
        return _answer(_ANSWERS[name].validate_python(fields))
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise BadServerMessageError(f"malformed {name}: {error}") from error


def _frame(form: AudioFrame | Frame) -> Frame:
    if isinstance(form, AudioFrame):
        return ReplyAudio(form.turn, base64.b64decode(form.data, validate=True))
    return form


def _answer(form: ReadyFrame | Answer) -> Answer:
    if not isinstance(form, ReadyFrame):
        return form
    return Ready(
        form.session_id,
        form.conversation_id,
        form.chunk_ms,
        form.grace_s,
        form.max_in_flight,
        form.next_seq,
        form.output_kept,
    )
