"""Reads the log events of a run's functions, as Insights discovers their fields."""

import json
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from local.insights.search import Event, Instant, Value


def read_events(path: Path, log_group: str) -> Iterator[Event]:
    """Yield the events of a function's log file.

    Lines that are not JSON, such as a traceback of the runtime, have no time and are left out.

    Args:
        path: The file, one event a line; a missing file has none.
        log_group: The name of the function's log group.
    """
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                found = json.loads(line) if line.startswith("{") else None
            except ValueError:
                continue
            at_ms = _time_of(found) if isinstance(found, dict) else None
            if at_ms is None:
                continue
            yield {
                "@timestamp": at_ms,
                "@message": line.rstrip("\n"),
                "@log": log_group,
                **dict(_flat(found)),
            }


def _time_of(line: dict[str, Any]) -> Instant | None:
    """Return the time of a metric line or of a line of the logger."""
    try:
        if "_aws" in line:
            return Instant(line["_aws"]["Timestamp"])
        return Instant(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000)
    except (KeyError, TypeError, ValueError):
        return None


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Value]]:
    """Yield the scalars below a JSON value by dotted name; null counts as missing."""
    match value:
        case dict() | list():
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in items:
                yield from _flat(item, f"{name}.{key}" if name else str(key))
        case None:
            return
        case bool():
            yield name, float(value)
        case int() | float() if math.isfinite(value):
            yield name, float(value)
        case _:
            yield name, str(value)
