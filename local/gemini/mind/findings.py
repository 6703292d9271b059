"""Reads a function's answer with any field names: its success, its text and its slots."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from local.gemini.mind.times import humanise, speak_date, speak_time

_BAD_STATUS = frozenset(
    re.findall(
        r"\w+",
        """error failed failure refused invalid taken conflict unavailable not_found unknown closed
        rejected denied full""",
    )
)
_SUCCESS_KEYS = ("ok", "success", "booked", "cancelled", "canceled", "moved", "done", "available")
_SENTENCE_KEYS = ("message", "answer", "sentence", "say", "text", "summary", "detail")
_WRAPPERS = ("output", "result", "content", "data")
# Instructions to the model are not spoken to the caller.
_TO_THE_MODEL = re.compile(
    r"^(?:offer|look|call|say|ask|tell|use|try|do not|apologi[sz]e)\b|\bthe (?:caller|user)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A day, an hour, or both; with ``has_year`` the day is spoken with its year."""

    day: date | None = None
    at: time | None = None
    has_year: bool = field(default=False, compare=False)

    @property
    def spoken(self) -> str:
        day = speak_date(self.day) if self.day else ""
        if self.day and self.has_year:
            day = f"{day} {self.day.year}"
        parts = [day, speak_time(self.at) if self.at else ""]
        return " at ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """The content of an answer.

    Attributes:
        ok: Whether the function succeeded.
        text: A sentence for the caller; "" without one.
        slots: The listed days and hours in their order.
        when: The day and hour of the answer as a phrase; "" if unknown.
        hours: The opening hours as a sentence; "" without any.
    """

    ok: bool
    text: str = ""
    slots: tuple[Slot, ...] = ()
    when: str = ""
    hours: str = ""

    @property
    def says_why(self) -> bool:
        """Whether a refusal has a reason for which other slots of the day do not help."""
        return bool(re.search(r"\b(?:closed|past|already|ahead|open|limit)\b", self.text.lower()))


def read_finding(response: Any, arguments: dict[str, Any]) -> Finding:
    """Read one answer.

    Args:
        response: A string, JSON in a string, or any JSON value.
        arguments: The arguments of the call, used for fields that the answer lacks.
    """
    value = unwrap(response)
    if isinstance(value, list):
        return Finding(True, slots=_slots(value))
    if not isinstance(value, dict):
        text = humanise(str(value)).strip()
        return Finding(not re.search(r"\b(?:error|not|sorry|taken|cannot)\b", text.lower()), text)
    ok = _ok(value)
    slot = slot_of({**arguments, **value})
    lists = [one for one in value.values() if isinstance(one, list)]
    slots = tuple(slot for one in lists for slot in _slots(one))
    return Finding(
        ok=ok,
        text=_sentence(value),
        slots=slots,
        when=slot.spoken if slot else "",
        hours=_hours(value, slot.day if slot else None),
    )


def say_list(items: Sequence[str], last: str) -> str:
    """Join items as in "one, two and three"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


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


def _ok(value: dict[str, Any]) -> bool:
    if value.get("error"):
        return False
    if str(value.get("status", "")).lower() in _BAD_STATUS:
        return False
    return all(value[key] is not False for key in _SUCCESS_KEYS if key in value)


def _sentence(value: dict[str, Any]) -> str:
    for key in (*_SENTENCE_KEYS, "error"):
        text = value.get(key)
        if not isinstance(text, str) or " " not in text.strip():
            continue
        sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", humanise(text.strip()))
        sentences = [re.sub(r"^The caller has (?!no\b)", "You have ", one) for one in sentences]
        said = " ".join(one for one in sentences if not _TO_THE_MODEL.search(one))
        if said:
            return said if said[-1] in ".!?" else said + "."
    return ""


def _slots(values: Sequence[Any]) -> tuple[Slot, ...]:
    found = []
    for value in values:
        slot = slot_of(value) if isinstance(value, dict) else _slot_of_text(value)
        if slot:
            found.append(slot)
    return tuple(found)


def slot_of(value: dict[str, Any]) -> Slot | None:
    """Return the day and hour of an answer or of a call's arguments; of two, the new one."""
    day: date | None = None
    at: time | None = None
    for key, inner in value.items():
        if not isinstance(inner, str):
            continue
        named = key.lower()
        if not re.search(r"date|day|time|start|slot|when|hour|from|at$", named):
            continue
        if re.search(r"old|previous|end|close|until", named):
            continue
        if slot := _slot_of_text(inner):
            day, at = day or slot.day, at or slot.at
    if not day and not at:
        return None
    return Slot(day, at, has_year=day is not None and str(day.year) in str(value.get("spoken")))


def _slot_of_text(value: Any) -> Slot | None:
    text = str(value)
    day = re.search(r"\b\d{4}-\d{2}-\d{2}", text)
    clock = re.search(r"(?<![\d-])([01]?\d|2[0-3]):([0-5]\d)", text)
    try:
        found = date.fromisoformat(day[0]) if day else None
    except ValueError:
        return None
    at = time(int(clock[1]), int(clock[2])) if clock else None
    return Slot(found, at) if found or at else None


def _hours(value: dict[str, Any], day: date | None) -> str:
    on = f" on {speak_date(day)}" if day else ""
    texts = {key.lower(): inner for key, inner in value.items() if isinstance(inner, str)}
    opens = next((texts[key] for key in ("opens", "open", "from") if key in texts), None)
    closes = next((texts[key] for key in ("closes", "close", "to") if key in texts), None)
    if opens and closes:
        times = [_slot_of_text(opens), _slot_of_text(closes)]
        spoken = [slot.spoken for slot in times if slot]
        if len(spoken) == 2:
            return f"We are open{on} from {spoken[0]} to {spoken[1]}."
    if value.get("closed") is True or value.get("open") is False:
        return f"We are closed{on}."
    return ""
