"""Validates the client's messages; an error names the field, the limit and the remedy."""

import json

from pydantic import ValidationError

from repartee.adapters.wire.client_models import (
    CLIENT_MESSAGES,
    MESSAGE_TYPES,
    ClientModel,
    content_of,
)
from repartee.domain.errors import BadInput, UnusableMessage
from repartee.domain.protocol.messages import MAX_SEQ, ParsedMessage
from repartee.domain.text.characters import has_lone_surrogates

# An error repeats at most this much of a client's own text.
MAX_ECHO_CHARACTERS = 40

# Replaces messages of pydantic that repeat the client's input or say too little.
_WORDS = {
    "union_tag_invalid": f"the message has an unknown type: use {MESSAGE_TYPES}",
    "union_tag_not_found": f"the message has no type: use {MESSAGE_TYPES}",
    "dict_type": "the message is not an object: send one JSON object",
    "extra_forbidden": "this field is not known here: leave it out",
    "missing": "this field is required: add it",
}


def parse(body: str | None) -> ParsedMessage:
    """Return the message that a text frame holds; ``body`` is None for a binary frame.

    Raises:
        UnusableMessage: The frame holds no valid message.
    """
    kind = ""
    try:
        if body is None:
            raise BadInput("not_text", "binary frames are not supported: send JSON as text")
        model = parse_client_message(body)
        kind = model.type
        return ParsedMessage(kind, content_of(model))
    except BadInput as problem:
        raise UnusableMessage(problem, kind=kind, seq=_number_in(body)) from problem


def parse_client_message(body: str) -> ClientModel:
    """Return the model that a text frame holds.

    Raises:
        BadInput: The frame holds no valid message.
    """
    try:
        model = CLIENT_MESSAGES.validate_json(body)
        # JSON parsers differ in which value of a repeated key they use. A repeated key makes more
        # colons than fields; an audio chunk without one is not parsed a second time.
        if body.count(":") != len(model.model_fields_set):
            json.loads(body, object_pairs_hook=_reject_duplicate_keys)
        return model
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"][1:])[:MAX_ECHO_CHARACTERS]
    if first["type"] == "json_invalid" or (first["type"] == "string_unicode" and not field):
        raise _unreadable(body)
    if first["type"] == "value_error":
        words = first["msg"].removeprefix("Value error, ")
    else:
        words = _WORDS.get(first["type"], f"{first['msg']}: correct this field and send it again")
    raise BadInput("invalid_message", words, field=field)


def _reject_duplicate_keys(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    for name in names:
        if names.count(name) > 1:
            raise BadInput("invalid_message", "this field is there twice: send it once", field=name)


def _unreadable(body: str) -> BadInput:
    """Return the error for a body that pydantic cannot parse as JSON."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    text = fields.get("text") if isinstance(fields, dict) else None
    if isinstance(text, str) and has_lone_surrogates(text):
        # JSON has an escape for it, but no text can hold it.
        advice = "the text holds half of a surrogate pair: send whole characters"
        return BadInput("invalid_message", advice, field="text")
    return BadInput("not_json", "the message is not JSON: send one JSON object")


def _number_in(body: str | None) -> int | None:
    """Return the message's number, also if the rest is wrong; None without a valid number."""
    try:
        fields = json.loads(body or "")
    except (ValueError, RecursionError):
        return None
    seq = fields.get("seq") if isinstance(fields, dict) else None
    if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq <= MAX_SEQ:
        return None
    return seq
