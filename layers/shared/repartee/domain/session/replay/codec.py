"""Converts the session's values to JSON and back.

A dataclass becomes an object with its class's name under ``class``, a key that no field can have.
Values without a JSON type become objects with one of these first keys: ``enum``, ``decimal``,
``date``, ``zone``, ``base64`` for audio, or ``bytes`` and ``sha256`` for audio that is left out,
with ``is_quiet`` if it is not audible. Arrays become tuples.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAliasType, cast, get_args, get_type_hints
from zoneinfo import ZoneInfo

from repartee.domain.audio import is_audible
from repartee.domain.conversation.conversation import Memory
from repartee.domain.session.effects import Effect
from repartee.domain.session.events import Event
from repartee.domain.session.settings import SessionSettings
from repartee.domain.session.state import Lease
from repartee.domain.speech_detection import SpeechEdge

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
type WriteAudio = Callable[[bytes], Json]
type ReadAudio = Callable[[int, str, bool], bytes]


def whole(pcm: bytes) -> Json:
    """Return the JSON form of audio."""
    return {"base64": base64.b64encode(pcm).decode()}


def digest(pcm: bytes) -> Json:
    """Return the length and a hash of audio, which reveal no speech."""
    return audio_description(
        len(pcm), hashlib.sha256(pcm).hexdigest(), is_quiet=not is_audible(pcm)
    )


def audio_description(length_bytes: int, sha256: str, *, is_quiet: bool) -> dict[str, Json]:
    """Return the JSON form of omitted audio."""
    quiet: dict[str, Json] = {"is_quiet": True} if is_quiet else {}
    return {"bytes": length_bytes, "sha256": sha256, **quiet}


def placeholder_audio(length_bytes: int, sha256: str, is_quiet: bool = False) -> bytes:
    """Return bytes that replace omitted audio: the same length, and equal for equal audio only."""
    seed = bytes.fromhex(sha256)
    if is_quiet:
        # Samples up to 15 are far below the threshold of ``is_audible``.
        seed = bytes(half for byte in seed for half in (byte & 15, 0, byte >> 4, 0))
    return (seed * (length_bytes // len(seed) + 1))[:length_bytes]


def encode(value: object, audio: WriteAudio) -> Json:
    """Return ``value`` as JSON.

    Args:
        value: An event, an effect, a lease, a memory, settings, or a part of one.
        audio: Returns the JSON form of audio.

    Raises:
        TypeError: A value of this type has no JSON form.
    """
    match value:
        case Enum():
            return {"enum": type(value).__name__, "name": value.name}
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return audio(value)
        case tuple():
            return [encode(each, audio) for each in value]
        case Decimal():
            return {"decimal": str(value)}
        case date():
            return {"date": value.isoformat()}
        case ZoneInfo():
            return {"zone": value.key}
        case _ if type(value).__name__ in _classes():
            return _encode_fields(value, audio)
        case _:
            raise TypeError(f"no form for a {type(value).__name__}")


def decode(data: Json, left_out: ReadAudio = placeholder_audio) -> Any:
    """Return the value that ``encode`` converted.

    Args:
        data: A result of ``encode``.
        left_out: Returns bytes for omitted audio, given its length, hash and whether it is quiet.

    Raises:
        ValueError: No value has this form.
    """
    try:
        return _decode(data, left_out)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _encode_fields(value: object, audio: WriteAudio) -> Json:
    data: dict[str, Json] = {"class": type(value).__name__}
    for field in fields(cast(Any, value)):
        data[field.name] = encode(getattr(value, field.name), audio)
    return data


def _decode(data: Json, left_out: ReadAudio) -> Any:
    if isinstance(data, list):
        return tuple(_decode(each, left_out) for each in data)
    if isinstance(data, dict):
        return _decode_object(data, left_out)
    return data


def _decode_object(data: dict[str, Json], left_out: ReadAudio) -> Any:
    match data:
        case {"class": str(name)}:
            made = _classes()[name]
            values = {key: _decode(each, left_out) for key, each in data.items() if key != "class"}
            return made(**values)
        case {"enum": str(name), "name": str(member)}:
            return _classes()[name][member]
        case {"decimal": str(digits)}:
            return Decimal(digits)
        case {"date": str(day)}:
            return date.fromisoformat(day)
        case {"zone": str(key)}:
            return ZoneInfo(key)
        case {"base64": str(text)}:
            return base64.b64decode(text, validate=True)
        case {"bytes": int(length_bytes), "sha256": str(sha256)}:
            return left_out(length_bytes, sha256, bool(data.get("is_quiet")))
        case _:
            raise ValueError(f"no value has the keys {', '.join(data)}")


@lru_cache(maxsize=1)
def _classes() -> dict[str, Any]:
    return classes_of(Event, Effect, Lease, Memory, SessionSettings, SpeechEdge)


def classes_of(*types: Any) -> dict[str, Any]:
    """Return all dataclasses and enumerations that values of ``types`` consist of, by name.

    Raises:
        TypeError: Two of them have the same name.
    """
    found: dict[str, Any] = {}
    waiting = list(types)
    while waiting:
        one = waiting.pop()
        if isinstance(one, TypeAliasType):
            waiting.append(one.__value__)
        elif isinstance(one, type) and (is_dataclass(one) or issubclass(one, Enum)):
            if one.__name__ not in found and is_dataclass(one):
                hints = get_type_hints(one)
                waiting += [hints[field.name] for field in fields(one)]
            if found.setdefault(one.__name__, one) is not one:
                raise TypeError(f"two classes are called {one.__name__}")
        else:
            waiting += get_args(one)
    return found
