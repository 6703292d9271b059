"""Slots, days and appointments in the tools' results: as data and as spoken text."""

from collections.abc import Iterable
from datetime import date

from repartee.domain.front_desk.bookings import Booking, Slot
from repartee.domain.front_desk.rules import DeskRules, Obstacle
from repartee.domain.text.speakable import speakable_day, speakable_slot, speakable_time
from repartee.domain.tools.tool import ToolContext


def day_fields(day: date, today: date) -> dict[str, object]:
    """Return a day's date and its spoken form."""
    return {"date": day.isoformat(), "spoken": speakable_day(day, today)}


def slot_fields(slot: Slot, today: date) -> dict[str, object]:
    """Return a slot's date, time and wording."""
    return {
        "date": slot.day.isoformat(),
        "time": f"{slot.start:%H:%M}",
        "spoken": speakable_slot(slot, today),
    }


def booking_fields(booking: Booking, today: date) -> dict[str, object]:
    """Return an appointment's slot and reason."""
    fields = slot_fields(booking.slot, today)
    return {**fields, "reason": booking.reason} if booking.reason else fields


def time_fields(slots: Iterable[Slot]) -> list[dict[str, str]]:
    """Return the times of slots of one day."""
    return [{"time": f"{slot.start:%H:%M}", "spoken": speakable_time(slot.start)} for slot in slots]


def closed_day_reason(rules: DeskRules, day: date, context: ToolContext) -> str:
    """Return why nothing can be booked on ``day``, or "" when the desk is open on it."""
    match rules.obstacle(day, context.now):
        case Obstacle.PAST:
            return f"{speakable_day(day, context.today)} is in the past."
        case Obstacle.TOO_FAR:
            last = speakable_day(rules.last_day(context.now), context.today)
            asked = speakable_day(day, context.today)
            return f"{asked} is too far ahead; the last day that can be booked is {last}."
        case Obstacle.CLOSED:
            return f"The desk is closed on {speakable_day(day, context.today)}."
    return ""
