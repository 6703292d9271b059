"""The caller's request to the front desk, and the declared function for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from local.gemini.mind.facts import name_given_by_user
from local.gemini.mind.known import DeclaredFunction
from local.gemini.mind.times import WEEKDAYS, When, parse_when, words_of


class Intent(StrEnum):
    BOOK = "book"
    CANCEL = "cancel"
    MOVE = "move"
    FREE = "free"
    HOURS = "hours"
    MINE = "mine"


# The first pattern that is found decides.
_INTENTS = (
    (Intent.CANCEL, r"\b(?:cancel\w*|delete|remove|call off)\b"),
    (Intent.MOVE, r"\b(?:move|reschedule\w*|postpone|change (?:my|the)|shift)\b"),
    (Intent.HOURS, r"\b(?:opening|opening hours|hours|open|closed?|closing)\b(?! slots?)"),
    (
        Intent.MINE,
        r"\b(?:when|what time|what day|which|list|tell me|do i have|remember|know|check)\b.*"
        r"\b(?:my|an|any|the) (?:\w+ )?(?:appointments?|bookings?)\b"
        r"|\bmy (?:next )?(?:appointments|bookings)\b|\bwhen (?:do|am|should) i\b",
    ),
    (
        Intent.FREE,
        r"\b(?:free|available|availability|slots?|openings?|what times|which times|when can i)\b",
    ),
    (
        Intent.BOOK,
        r"\b(?:book\w*|appointment|reserv\w+|schedule|doctor|dentist|nurse|visit|come in)\b"
        r"|\bsee (?:the|a|my) \w+",
    ),
)
# Words that indicate a function; in its name they count more than in its description.
_FUNCTION_WORDS = {
    Intent.BOOK: {"book", "reserve", "make", "create", "schedule"},
    Intent.CANCEL: {"cancel", "cancels", "delete", "remove"},
    Intent.MOVE: {"move", "moves", "reschedule", "change", "shift"},
    Intent.FREE: {"free", "available", "availability", "openings"},
    Intent.HOURS: {"hours", "opening", "open"},
    Intent.MINE: {"my", "list", "mine", "own", "appointments", "bookings", "upcoming"},
}
_REASON_WORDS = {"reason", "purpose", "subject", "note", "notes", "topic", "about"}
_REASON = (
    re.compile(r"\b(see (?:the|a|my) [a-z]+)"),
    re.compile(
        r"\b(?:because of|about|for) ((?:a|an|my|the) [a-z]+(?: [a-z]+)?)(?= on | at |[.,]|$)"
    ),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request.

    Attributes:
        intent: The intent; None if it is not recognized.
        when: The requested day and hour.
        old: For a move or a cancellation, the present day and hour, if named.
        reason: The reason of the appointment; "" if unknown.
        name: The caller's name, if known.
        text: The text of the request.
    """

    text: str
    intent: Intent | None
    when: When
    old: When
    reason: str = ""
    name: str | None = None


def understand(text: str) -> Request:
    """Parse one request; a name in it is not part of the intent."""
    words = words_of(text)
    intent = next((one for one, pattern in _INTENTS if re.search(pattern, words)), None)
    when, old = parse_when(words), When()
    if intent is Intent.MOVE:
        before, to, after = words.rpartition(" to ")
        new = parse_when(after)
        if to and (new.has_day or new.at):
            when, old = new, parse_when(before)
    elif intent is Intent.CANCEL:
        old = when
    elif intent is Intent.FREE and when.at and re.search(r"\bbook\b", words):
        intent = Intent.BOOK
    reason = next((found[1] for pattern in _REASON if (found := pattern.search(words))), "")
    return Request(text, intent, when, old, reason, name_given_by_user(words))


def completed(request: Request, earlier: Request) -> Request:
    """Complete the answer to a question from the request that the question was about."""
    when, before = request.when, earlier.when
    merged = replace(when, at=when.at or before.at, part=when.part or before.part)
    if not when.has_day:
        merged = replace(before, at=when.at or before.at, part=when.part or before.part)
    return Request(
        text=request.text,
        # An hour in answer to a list of free slots chooses one of them.
        intent=Intent.BOOK if earlier.intent is Intent.FREE and when.at else earlier.intent,
        when=merged,
        old=request.old if request.old.has_day else earlier.old,
        reason=request.reason or earlier.reason,
        name=request.name or earlier.name,
    )


def choose(functions: Sequence[DeclaredFunction], intent: Intent) -> DeclaredFunction | None:
    """Return the declared function that fits best, None if none fits."""
    wanted = _FUNCTION_WORDS[intent]
    best, best_score = None, 0
    for function in functions:
        spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", function.name).replace("_", " ").lower()
        name_words = spaced.split()
        others = set().union(*(w for i, w in _FUNCTION_WORDS.items() if i is not intent)) - wanted
        score = 6 * len(wanted.intersection(name_words)) - 4 * len(others.intersection(name_words))
        score += len(wanted.intersection(re.findall(r"[a-z]+", function.description.lower())))
        if score > best_score and (wanted & set(name_words) or score > 1):
            best, best_score = function, score
    return best


def fill(
    function: DeclaredFunction, request: Request, now: datetime
) -> tuple[dict[str, Any], list[str]]:
    """Derive the arguments of a call from the parameters' names and descriptions.

    Returns:
        The arguments, and the required parameters without a known value.
    """
    schema = function.schema or {}
    properties: dict[str, dict[str, Any]] = schema.get("properties") or {}
    required = set(schema.get("required") or [])
    arguments: dict[str, Any] = {}
    missing: list[str] = []
    for name, parameter in properties.items():
        value = _value(name, parameter, request, now)
        if value is None and name in required and _words(name) & _REASON_WORDS:
            value = "appointment"
        if value is not None:
            arguments[name] = value
        elif name in required:
            missing.append(name)
    return arguments, missing


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))


def _value(name: str, parameter: dict[str, Any], request: Request, now: datetime) -> Any:
    words = _words(name)
    hint = f"{parameter.get('description', '')} {parameter.get('title', '')}".lower()
    about_old = bool(words & {"old", "from", "current", "existing", "previous", "original"})
    only_old = request.intent is Intent.CANCEL
    when = request.old if about_old or only_old else request.when
    if ("date" in words and "time" in words) or parameter.get("format") == "date-time":
        return _date_time(when, now)
    if words & {"date", "day", "weekday"}:
        return _day(words, parameter, hint, when, now)
    if words & {"time", "hour", "at", "start", "slot"}:
        return when.at.strftime("%H:%M") if when.at else None
    if words & {"when", "new", "old"} and not words & {"name"}:
        return _date_time(when, now)
    if words & _REASON_WORDS:
        return request.reason or None
    if "name" in words or words & {"caller", "patient", "customer"}:
        return request.name
    if words & {"question", "request", "query", "text"}:
        return request.text
    return None


def _day(
    words: set[str], parameter: dict[str, Any], hint: str, when: When, now: datetime
) -> str | None:
    day = when.on(now)
    if day is None:
        return None
    choices = [str(one) for one in parameter.get("enum") or []]
    named = WEEKDAYS[day.weekday()]
    for choice in choices:
        if choice.lower() in (named, named[:3]):
            return choice
    iso = "date" in words or parameter.get("format") == "date"
    iso = iso or re.search(r"\b(?:iso|date|yyyy)\b|\d{4}-", hint) is not None
    return day.isoformat() if iso else named


def _date_time(when: When, now: datetime) -> str | None:
    day = when.on(now)
    return f"{day.isoformat()}T{when.at:%H:%M}" if day and when.at else None
