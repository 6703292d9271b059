"""Converts LiveTable's items to domain values and back."""

import struct
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.sessions.packed_audio import pack, unpack
from repartee.adapters.dynamodb.values import Value, encode, encode_all
from repartee.domain.protocol.messages import (
    Acknowledged,
    Audio,
    Bye,
    Detached,
    Hello,
    HelloReceived,
    Message,
    NoteForgotten,
    Notice,
    Numbered,
    OutputPosition,
    PreferencesChanged,
    SpeechEnd,
    SpeechStart,
    Stop,
    Superseded,
    Text,
    Unknown,
)
from repartee.domain.protocol.recent_input import InputTaken, RecentInput
from repartee.domain.session.state import Connected, PendingCall, SessionState, UndeliveredTurn
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.domain.users.preferences import PreferenceChanges
from repartee.observability import get_logger

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from repartee.adapters.dynamodb.keys import Item


_PREFERENCES = tuple(field.name for field in fields(PreferenceChanges))


def number(item: "Item", name: str) -> int:
    """Return a whole number of ``item``."""
    return int(item[name]["N"])


def text(item: "Item", name: str) -> str | None:
    """Return a text of ``item``, None if it is absent."""
    return item[name]["S"] if name in item else None


def _hello_values(hello: Hello) -> dict[str, Value]:
    position = hello.resume_from
    values: dict[str, Value] = {"kind": "hello"}
    if hello.marks_speech:
        values["marks_speech"] = True
    if hello.features:
        values["features"] = list(hello.features)
    if hello.connected_at_ms:
        values["connected_at_ms"] = hello.connected_at_ms
    if position is not None:
        values |= {"resume_epoch": position.epoch, "resume_seq": position.seq}
    return values


def _message_values(message: Message | Unknown) -> dict[str, Value]:
    match message:
        case Hello():
            return _hello_values(message)
        case Audio(pcm):
            return {"kind": "audio", "packed": pack(pcm)}
        case SpeechStart():
            return {"kind": "speech_start"}
        case SpeechEnd():
            return {"kind": "speech_end"}
        case Text(written):
            return {"kind": "text", "text": written}
        case Stop():
            return {"kind": "stop"}
        case Bye():
            return {"kind": "bye"}
        case Unknown(kind):
            return {"kind": kind}


def message_attributes(message: Numbered, expires_at: int) -> "Item":
    """Return the attributes of a client's message, without its key."""
    return encode_all(
        {
            **_message_values(message.message),
            "connection_id": message.connection_id,
            "received_at_ms": message.received_at_ms,
            "expires_at": expires_at,
        }
    )


def _hello(item: "Item") -> Hello:
    position = None
    if "resume_seq" in item:
        position = OutputPosition(number(item, "resume_epoch"), number(item, "resume_seq"))
    connected_at_ms = number(item, "connected_at_ms") if "connected_at_ms" in item else 0
    return Hello(position, "marks_speech" in item, connected_at_ms, _texts(item, "features"))


def _texts(item: "Item", name: str) -> tuple[str, ...]:
    """Return a list of texts of ``item``, () if it is absent."""
    return tuple(one["S"] for one in item[name]["L"]) if name in item else ()


def _unknown(kind: str) -> Unknown:
    log = get_logger()
    log.warning("mailbox entry of an unknown kind", extra={"kind": kind})
    return Unknown(kind)


def _message(item: "Item") -> Message | Unknown:
    match item["kind"]["S"]:
        case "hello":
            return _hello(item)
        case "audio":
            return Audio(unpack(bytes(item["packed"]["B"])))
        case "speech_start":
            return SpeechStart()
        case "speech_end":
            return SpeechEnd()
        case "text":
            return Text(item["text"]["S"])
        case "stop":
            return Stop()
        case "bye":
            return Bye()
        case kind:
            return _unknown(kind)


def message_from(item: "Item", seq: int) -> Numbered:
    """Return the client's message number ``seq``."""
    return Numbered(seq, _message(item), item["connection_id"]["S"], number(item, "received_at_ms"))


def notice_attributes(notice: Notice, expires_at: int) -> "Item":
    """Return the attributes of a notice, without its key."""
    values: dict[str, Value]
    match notice:
        case Acknowledged(OutputPosition(epoch, seq), turn, played_ms):
            values = {
                "kind": "acknowledged",
                "received_epoch": epoch,
                "received_seq": seq,
                "playing_turn": turn,
                # Version 0.1.0 requires a number.
                "played_ms": played_ms or 0,
                "is_played_unknown": True if played_ms is None else None,
            }
        case HelloReceived(hello, connection_id):
            values = _hello_values(hello) | {"kind": "greeted", "connection_id": connection_id}
        case Detached(connection_id):
            values = {"kind": "detached", "connection_id": connection_id}
        case Superseded(by_session_id):
            values = {"kind": "superseded", "by_session_id": by_session_id}
        case PreferencesChanged(changes, changed_at_ms):
            values = {"kind": "preferences_changed", "changed_at_ms": changed_at_ms}
            values |= changes.named()
        case NoteForgotten(note_id):
            values = {"kind": "note_forgotten", "note_id": note_id}
    return encode_all({**values, "expires_at": expires_at})


def notice_from(item: "Item") -> Notice | Unknown:
    """Return the notice that ``item`` holds."""
    match item["kind"]["S"]:
        case "acknowledged":
            return Acknowledged(
                OutputPosition(number(item, "received_epoch"), number(item, "received_seq")),
                number(item, "playing_turn"),
                None if "is_played_unknown" in item else number(item, "played_ms"),
            )
        case "greeted":
            return HelloReceived(_hello(item), item["connection_id"]["S"])
        case "detached":
            return Detached(item["connection_id"]["S"])
        case "superseded":
            return Superseded(item["by_session_id"]["S"])
        case "preferences_changed":
            changes = PreferenceChanges(*(text(item, name) for name in _PREFERENCES))
            return PreferencesChanged(changes, number(item, "changed_at_ms"))
        case "note_forgotten":
            return NoteForgotten(item["note_id"]["S"])
        case kind:
            return _unknown(kind)


def pending_calls_value(calls: tuple[PendingCall, ...]) -> "AttributeValueTypeDef":
    """Return pending calls as one attribute value."""
    return encode(
        [
            {
                "turn": call.key.turn,
                "index": call.key.index,
                "name": call.name,
                "arguments_json": call.arguments_json,
                "arguments_hash": call.arguments_hash,
            }
            for call in calls
        ]
    )


def _pending_call(value: "AttributeValueTypeDef") -> PendingCall:
    call = value["M"]
    return PendingCall(
        ToolCallKey(int(call["turn"]["N"]), int(call["index"]["N"])),
        call["name"]["S"],
        call["arguments_json"]["S"],
        call["arguments_hash"]["S"],
    )


def undelivered_value(turns: tuple[UndeliveredTurn, ...]) -> Value:
    """Return undelivered turns as one value."""
    return [[one.number, one.ends_at.epoch, one.ends_at.seq] for one in turns]


def _undelivered(item: "Item") -> tuple[UndeliveredTurn, ...]:
    # Absent until the first commit.
    turns = item["undelivered"]["L"] if "undelivered" in item else []
    return tuple(_undelivered_turn(turn) for turn in turns)


def _undelivered_turn(value: "AttributeValueTypeDef") -> UndeliveredTurn:
    # A later version may append to it.
    number, epoch, seq = (int(one["N"]) for one in value["L"][:3])
    return UndeliveredTurn(number, OutputPosition(epoch, seq))


def state_attributes(state: SessionState, expires_at: int) -> "Item":
    """Return the attributes of a session's state, without its key."""
    item = encode_all(
        {
            "user_id": state.user_id,
            "conversation_id": state.conversation_id,
            "connection_id": state.connection_id,
            "epoch": state.epoch,
            "lease_owner": state.owner,
            "lease_until_ms": state.lease_until_ms,
            "input_cursor": state.cursor,
            "is_ended": state.ended,
            "expires_at": expires_at,
            **_connections(state),
        }
    )
    item["pending_calls"] = pending_calls_value(state.pending_calls)
    return item


def state_from(session_id: str, item: "Item") -> SessionState:
    """Return the session's state."""
    return SessionState(
        session_id,
        item["user_id"]["S"],
        item["conversation_id"]["S"],
        text(item, "connection_id"),
        number(item, "epoch"),
        text(item, "lease_owner"),
        number(item, "lease_until_ms"),
        number(item, "input_cursor"),
        item["is_ended"]["BOOL"],
        tuple(_pending_call(call) for call in item["pending_calls"]["L"]),
        number(item, "talk_ms") if "talk_ms" in item else 0,
        Decimal(item["cost_usd"]["N"]) if "cost_usd" in item else Decimal(0),
        _undelivered(item),
        _marks_speech(item),
        _newest_hello(item),
        _taken(item),
        _texts(item, "open_connections"),
        "is_greeting_over" in item,
        _features(item),
    )


def _connections(state: SessionState) -> dict[str, Value]:
    if state.newest_hello is None:
        return {}
    return {
        "greeted_connection_id": state.newest_hello.connection_id,
        "greeted_connected_at_ms": state.newest_hello.at_ms,
        "open_connections": list(state.open_connections),
    }


def _newest_hello(item: "Item") -> Connected | None:
    connection_id = text(item, "greeted_connection_id")
    if connection_id is None:
        return None
    return Connected(number(item, "greeted_connected_at_ms"), connection_id)


def taken_changes(taken: InputTaken | None) -> tuple[str, dict[str, Value]]:
    """Return the clauses that follow ``SET`` to store the taken input, and their values."""
    if taken is None:
        return "", {}
    recent = taken.recent
    packed = struct.pack(f">{len(recent.digests) + 1}I", recent.through, *recent.digests)
    values: dict[str, Value] = {":taken": taken.through, ":recent": packed}
    return "taken_through = :taken, recent_input = :recent, ", values


def _taken(item: "Item") -> InputTaken | None:
    if "taken_through" not in item:
        return None
    packed = bytes(item["recent_input"]["B"])
    through, *digests = struct.unpack(f">{len(packed) // 4}I", packed)
    return InputTaken(number(item, "taken_through"), RecentInput(through, tuple(digests)))


def _marks_speech(item: "Item") -> bool:
    marking = text(item, "marking_connection_id")
    return marking is not None and text(item, "connection_id") in (None, marking)


def _features(item: "Item") -> tuple[str, ...]:
    listing = text(item, "listing_connection_id")
    is_current = listing is not None and text(item, "connection_id") in (None, listing)
    return _texts(item, "client_features") if is_current else ()
