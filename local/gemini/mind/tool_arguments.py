"""Finds the arguments of a taught tool in the user's words."""

from dataclasses import replace
from datetime import datetime

from local.gemini.mind.data_files import fold
from local.gemini.mind.languages import Language, languages
from local.gemini.mind.tool_files import Argument, TaughtTool

ANY_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - local time
"""The present where it only matters whether an argument is there."""


def read_arguments(taught: TaughtTool, text: str, now: datetime) -> dict[str, str]:
    """Return the arguments in a text by name."""
    language = languages()[taught.language]
    read = {
        name: _read(argument, text, language, now)
        for name, argument in taught.wording.arguments.items()
    }
    return {name: value for name, value in read.items() if value is not None}


def _read(argument: Argument, text: str, language: Language, now: datetime) -> str | None:
    """Return the argument in a text, None if it is missing."""
    part = " ".join(text.split())
    if argument.pattern is not None:
        found = argument.pattern.search(fold(part))
        if found is None or found[1] is None:
            return None
        part = part[found.start(1) : found.end(1)]
    match argument.kind:
        case "day":
            # The answer to a question replaces the day in the words before it.
            at = language.read_when(part).at
            read = (language.read_when(one) for one in reversed(part.split(". ")))
            days = (replace(when, at=when.at or at).on(now) for when in read)
            day = next(filter(None, days), None)
            return day.isoformat() if day else None
        case "clock":
            when = language.read_when(part)
            at = when.at
            if at and not when.part and 0 < at.hour < argument.from_hour:
                at = at.replace(hour=at.hour + 12)
            return f"{at:%H:%M}" if at else None
        case "number":
            number = language.read_number(part)
            return None if number is None else str(number)
        case "text" if argument.pattern is not None:
            fact = part.strip().rstrip(" .!?")
            return fact[:1].upper() + fact[1:] or None
    return None
