"""Reads a stored exchange's ``messages_json`` without LangChain."""

import json
from collections.abc import Mapping
from typing import Any

from repartee.domain.users.export import ModelMessage, RequestedTool

# The authors by LangChain's types of messages. Another type keeps its own name.
_AUTHORS = {"human": "question", "ai": "model", "tool": "tool"}


def read_messages(messages_json: str) -> tuple[ModelMessage, ...]:
    """Return the messages in order, without ids, counters and the provider's signatures.

    Args:
        messages_json: A list as ``langchain_core.messages.messages_to_dict`` makes it.
    """
    return tuple(_message(one["type"], one["data"]) for one in json.loads(messages_json))


def _message(kind: str, data: Mapping[str, Any]) -> ModelMessage:
    return ModelMessage(
        _AUTHORS.get(kind, kind),
        data.get("name"),
        _text(data["content"]),
        tuple(
            RequestedTool(call["name"], json.dumps(call["args"], ensure_ascii=False))
            for call in data.get("tool_calls", ())
        ),
    )


def _text(content: str | list[str | dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else part.get("text", "") for part in content)
