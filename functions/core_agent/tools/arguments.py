"""Types of arguments that several tools take, with errors that a model can act on."""

import re
from datetime import date, time
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    WithJsonSchema,
)

from repartee.domain.text.characters import checked_line


class Arguments(BaseModel):
    """Arguments from a model; undeclared ones, such as a user's id, are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _day(value: object) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write the date as YYYY-MM-DD, such as 2026-11-27")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"there is no {value} in the calendar") from None


def _time(value: object) -> time:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("write the time as HH:MM on the 24-hour clock, such as 15:00")
    return time.fromisoformat(value)


# Stores a text as one line, or as "" if no character is visible.
ONE_LINE = AfterValidator(checked_line)

# Gemini's function declarations have no types for dates and times, so the model sees strings.
type Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "description": "The date, YYYY-MM-DD."}),
]
type ClockTime = Annotated[
    time,
    BeforeValidator(_time),
    # In the input format, because a call that was cut off is repeated from its stored arguments.
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str),
    WithJsonSchema({"type": "string", "description": "The time, HH:MM on the 24-hour clock."}),
]
