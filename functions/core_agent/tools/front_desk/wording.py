"""Slots, days and bookings in the tools' results: as data and as spoken text."""

from collections.abc import Iterable
from datetime import date

from core_agent.spoken_forms import spoken_forms
from repartee.domain.front_desk.bookings import Booking, Slot
from repartee.domain.front_desk.rules import DeskRules, Obstacle
from repartee.domain.tools.tool import ToolContext


def day_fields(day: date, context: ToolContext) -> dict[str, object]:
    """Return a day's date and its spoken form."""
    spoken = spoken_forms(context.language).day(day, context.today)
    return {"date": day.isoformat(), "spoken": spoken}


def slot_fields(slot: Slot, context: ToolContext) -> dict[str, object]:
    """Return a slot's date, time and spoken form."""
    return {
        "date": slot.day.isoformat(),
        "time": f"{slot.start:%H:%M}",
        "spoken": spoken_forms(context.language).slot(slot, context.today),
    }


def booking_fields(booking: Booking, context: ToolContext) -> dict[str, object]:
    """Return a booking's slot and reason."""
    fields = slot_fields(booking.slot, context)
    return {**fields, "reason": booking.reason} if booking.reason else fields


def time_fields(slots: Iterable[Slot], context: ToolContext) -> list[dict[str, str]]:
    """Return the times of slots of one day."""
    forms = spoken_forms(context.language)
    return [{"time": f"{slot.start:%H:%M}", "spoken": forms.time(slot.start)} for slot in slots]


def obstacle_text(
    obstacle: Obstacle | None, rules: DeskRules, day: date, context: ToolContext
) -> str:
    """Return why nothing can be booked on ``day``, or "" without an obstacle."""
    forms = spoken_forms(context.language)
    asked = forms.day(day, context.today)
    match obstacle:
        case Obstacle.PAST:
            return f"{asked} is in the past."
        case Obstacle.TOO_FAR:
            last = forms.day(rules.last_day(context.now), context.today)
            return f"{asked} is too far ahead; the last day that can be booked is {last}."
        case Obstacle.CLOSED:
            return f"On {asked}, {context.words.place} is closed."
    return ""
