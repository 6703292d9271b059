"""Reads the result of a function: its value, and its sentences for the caller."""

import json
import re
from typing import Any

_WRAPPERS = ("output", "result", "content", "data")
# Instructions to the model are not spoken to the caller.
_TO_THE_MODEL = re.compile(
    r"^(?:offer|look|call|say|ask|tell|use|try|do not|apologi[sz]e)\b|\bthe (?:caller|user)\b",
    re.IGNORECASE,
)


def unwrap(value: Any) -> Any:
    """Return the innermost value of an answer."""
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            return value
        return unwrap(parsed) if isinstance(parsed, dict | list | str) else value
    if isinstance(value, dict) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if key in _WRAPPERS:
            return unwrap(inner)
    return value


def sentences_for_caller(message: Any) -> str:
    """Return the sentences of a result's message that are not instructions to the model."""
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", str(message or "").strip())
    sentences = [re.sub(r"^The caller has (?!no\b)", "You have ", one) for one in sentences]
    return " ".join(one for one in sentences if not _TO_THE_MODEL.search(one))
