"""Decodes the JSON text frames that the server sends."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeAlias, get_args, get_type_hints

from repartee_client import events
from repartee_client.errors import BadServerMessageError
from repartee_client.protocol import frames
from repartee_client.protocol.frames import Answer, NumberedFrame, Undelivered

FRAMES: Mapping[str, type[Any]] = {
    "accepted": frames.Accepted,
    "missing": frames.Missing,
    "audio": events.ReplyAudio,
    "transcript": events.Transcript,
    "interrupted": events.Interrupted,
    "tool": events.ToolUsed,
    "turn_restarted": events.TurnRestarted,
    "reply_lost": events.ReplyLost,
    "turn_end": events.TurnEnded,
    "no_speech": events.NoSpeech,
    "speech_heard": events.SpeechHeard,
    "limit_reached": events.LimitReached,
    "closed": events.Closed,
    "error": events.Problem,
}
"""The numbered frames by type."""
ANSWERS: Mapping[str, type[Any]] = {
    "ready": events.Ready,
    "error": events.Refused,
    "accepted": frames.AcceptedBefore,
    "busy": frames.Busy,
    "pong": frames.Pong,
    "reconnect_soon": frames.ReconnectSoon,
}
"""The answers without a number by type."""

ServerMessage: TypeAlias = Answer | NumberedFrame | Undelivered

_UNDELIVERED = {"message", "connectionId", "requestId"}
_SHOWN_CHARACTERS = 80


def decode_server_message(text: str) -> ServerMessage | None:
    """Decode one message; return None for an unnumbered message of an unknown type.

    Unknown fields are ignored, so that a newer server can add fields.

    Raises:
        BadServerMessageError: The text is not a JSON object with a type, or a field of a known
            type is invalid.
    """
    try:
        members = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadServerMessageError(f"not JSON: {text[:_SHOWN_CHARACTERS]!r}") from error
    if not isinstance(members, dict) or not isinstance(members.get("type"), str):
        if isinstance(members, dict) and members.keys() >= _UNDELIVERED:
            return Undelivered(str(members["message"]))
        raise BadServerMessageError(f"no JSON object with a type: {text[:_SHOWN_CHARACTERS]!r}")
    name: str = members["type"]
    try:
        if "epoch" in members:
            kind = FRAMES.get(name)
            frame = None if kind is None else _decode(kind, members)
            return NumberedFrame(
                _member(members, "epoch", int), _member(members, "seq", int), frame
            )
        answer: Answer | None = _decode(ANSWERS[name], members) if name in ANSWERS else None
    except (KeyError, ValueError) as error:
        raise BadServerMessageError(f"malformed {name}: {error}") from error
    return answer


def _decode(kind: type[Any], members: Mapping[str, Any]) -> Any:
    if kind is events.ReplyAudio:
        data = _member(members, "data", str)
        try:
            pcm = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise ValueError(f"data is not base64: {error}") from error
        return events.ReplyAudio(_member(members, "turn", int), pcm)
    return kind(
        **{
            name: _member(members, name, hint)
            for name, (hint, is_required) in _FORMS[kind].items()
            if is_required or name in members
        }
    )


def _member(members: Mapping[str, Any], name: str, hint: Any) -> Any:
    if name not in members:
        raise ValueError(f"{name} is missing")
    value = members[name]
    if not _accepts(hint, value):
        raise ValueError(f"{name} is {value!r:.40}")
    return value


def _accepts(hint: Any, value: Any) -> bool:
    """Return whether ``value`` has the type ``hint``; a bool is not a number."""
    if choices := get_args(hint):
        return any(
            _accepts(choice, value) if isinstance(choice, type) else choice == value
            for choice in choices
        )
    return type(value) is hint or (hint is float and type(value) is int)


def _form(kind: type[Any]) -> dict[str, tuple[Any, bool]]:
    hints = get_type_hints(kind)
    return {one.name: (hints[one.name], one.default is MISSING) for one in fields(kind)}


_FORMS = {kind: _form(kind) for kind in (*FRAMES.values(), *ANSWERS.values())}
