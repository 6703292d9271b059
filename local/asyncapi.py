"""``python -m local.asyncapi``: write docs/asyncapi.yaml from the wire protocol's models.

The models in ``repartee.adapters.wire`` and ``repartee.domain.protocol`` define the
protocol; this module renders them as AsyncAPI. A test compares the file with its output.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, TypeAdapter

from repartee.adapters.wire.client_models import ClientModel
from repartee.adapters.wire.encoding import ANSWER_TYPES, FRAME_TYPES, WIRE_FORMS
from repartee.adapters.wire.version import MAX_FRAME_BYTES, PROTOCOL_VERSION
from repartee.domain.protocol.answers import Answer
from repartee.domain.protocol.frames import Frame

PATH = Path(__file__).resolve().parent.parent / "docs" / "asyncapi.yaml"
HEADER = (
    "# Written by `make docs` from repartee.adapters.wire and repartee.domain.protocol: edit\n"
    "# those and run it again.\n"
)
_SCHEMA_REFERENCE = "#/components/schemas/{model}"
_POSITION = {
    "epoch": {"type": "integer", "minimum": 1, "description": "The worker that sent the frame."},
    "seq": {"type": "integer", "minimum": 1, "description": "The frame's number in its epoch."},
}
_QUERY = {
    "type": "object",
    "required": ["ticket"],
    "properties": {
        "ticket": {
            "type": "string",
            "description": "From POST /sessions; opens one connection, within 60 s.",
        }
    },
}

type Sender = Literal["client", "message", "worker"]


@dataclass(frozen=True, slots=True)
class MessageType:
    """One type of message on the wire.

    Attributes:
        wire_type: The value of its ``type``; ``audio`` and ``error`` have two senders each.
        sender: The client, the message function (unnumbered) or a session's worker (numbered).
        schema: JSON schema of its fields, ``type`` included.
    """

    wire_type: str
    sender: Sender
    schema: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the message in the document."""
        return f"{self.sender}_{self.wire_type}"

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field except ``type``."""
        return tuple(name for name in self.schema["properties"] if name != "type")


def message_types() -> tuple[MessageType, ...]:
    """Return every message type: the client's, the message function's, the workers'."""
    return tuple(_client_types()) + tuple(_server_types())


def _client_types() -> Iterator[MessageType]:
    for model in get_args(ClientModel.__value__):
        if not issubclass(model, BaseModel):
            raise TypeError(f"{model} is not a pydantic model")
        schema = model.model_json_schema(ref_template=_SCHEMA_REFERENCE)
        wire_type = schema["properties"]["type"]["const"]
        yield MessageType(wire_type, "client", _clean_schema(schema, model))


def _server_types() -> Iterator[MessageType]:
    for answer in get_args(Answer.__value__):
        yield _server_type(answer, ANSWER_TYPES[answer], "message")
    for frame in get_args(Frame.__value__):
        yield _server_type(frame, FRAME_TYPES[frame], "worker")


def _server_type(content: Any, wire_type: str, sender: Sender) -> MessageType:
    shape = WIRE_FORMS.get(content, content)
    schema = TypeAdapter(shape).json_schema(ref_template=_SCHEMA_REFERENCE)
    position = _POSITION if sender == "worker" else {}
    schema["properties"] = {"type": {"const": wire_type}, **schema["properties"], **position}
    schema["required"] = ["type", *schema.get("required", ()), *position]
    return MessageType(wire_type, sender, _clean_schema(schema, shape))


def _clean_schema(schema: dict[str, Any], shape: type) -> dict[str, Any]:
    """Remove the titles that pydantic generates, and add descriptions from the docstring."""
    summary, attributes = _documentation(shape)
    schema.pop("$defs", None)
    schema.pop("title", None)
    schema["description"] = summary
    for name, field in schema["properties"].items():
        field.pop("title", None)
        if name in attributes:
            field["description"] = attributes[name]
    return schema


def _documentation(shape: type) -> tuple[str, dict[str, str]]:
    """Return a docstring's first part and its ``Attributes`` by name, each on one line."""
    text, _, attributes = inspect.cleandoc(shape.__doc__ or "").partition("\nAttributes:\n")
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, re.MULTILINE)
    return _plain(text), {name: _plain(description) for name, description in found}


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def document() -> dict[str, Any]:
    """Return the AsyncAPI document."""
    types = message_types()
    schemas = {_schema_name(message): message.schema for message in types} | _shared_schemas()
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Repartee voice protocol",
            "version": str(PROTOCOL_VERSION),
            "description": (
                "One JSON object per WebSocket text frame, of at most "
                f"{MAX_FRAME_BYTES:,} bytes. docs/protocol.md describes when each message is "
                "sent and how a client handles it."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {
            "session": {
                "address": "/{stage}",
                "description": "A connection of one session.",
                "parameters": {"stage": {"description": "Stage of the WebSocket API."}},
                "bindings": {"ws": {"query": _QUERY}},
                "messages": {
                    message.name: {"$ref": f"#/components/messages/{message.name}"}
                    for message in types
                },
            }
        },
        "operations": {
            f"{action}_{sender}": {
                "action": action,
                "summary": summary,
                "channel": {"$ref": "#/channels/session"},
                "messages": [
                    {"$ref": f"#/channels/session/messages/{message.name}"}
                    for message in types
                    if message.sender == sender
                ],
            }
            for sender, action, summary in (
                ("client", "receive", "The messages of a client."),
                ("message", "send", "The immediate, unnumbered replies of the message function."),
                ("worker", "send", "The frames of a session's worker, numbered by epoch and seq."),
            )
        },
        "components": {
            "messages": {
                message.name: {
                    "name": message.wire_type,
                    "summary": message.schema["description"],
                    "payload": {"$ref": _SCHEMA_REFERENCE.format(model=_schema_name(message))},
                }
                for message in types
            },
            "schemas": schemas,
        },
    }


def _schema_name(message: MessageType) -> str:
    return "".join(word.capitalize() for word in message.name.split("_"))


def _shared_schemas() -> dict[str, Any]:
    """Return the schemas that several fields refer to, by name."""
    shared: dict[str, Any] = {}
    for shape in (*get_args(ClientModel.__value__), *get_args(Frame.__value__)):
        schema = TypeAdapter(shape).json_schema(ref_template=_SCHEMA_REFERENCE)
        shared |= schema.get("$defs", {})
    for definition in shared.values():
        definition.pop("title", None)
        if "description" in definition:
            definition["description"] = _plain(definition["description"])
        for field in definition.get("properties", {}).values():
            field.pop("title", None)
    return shared


class _Dumper(yaml.SafeDumper):
    """Repeats equal values instead of using anchors, which readers would have to follow."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def render() -> str:
    """Return the file's text."""
    body = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return HEADER + body


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.asyncapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    given = parser.parse_args(arguments)
    if given.check:
        is_current = PATH.exists() and PATH.read_text() == render()
        print(f"{PATH.name} is {'up to date' if is_current else 'out of date'}")
        return 0 if is_current else 1
    PATH.write_text(render())
    print(f"wrote {PATH}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
