"""How slots and appointments look in tools' results: for machines and for speaking."""

from collections.abc import Iterable

from repartee.domain.desk import Booking, Slot
from repartee.domain.speakable import speakable_slot, speakable_time


def slot_fields(slot: Slot) -> dict[str, object]:
    """Return a slot's date, time and wording."""
    return {
        "date": f"{slot.day:%Y-%m-%d}",
        "time": f"{slot.start:%H:%M}",
        "spoken": speakable_slot(slot),
    }


def booking_fields(booking: Booking) -> dict[str, object]:
    """Return an appointment's slot and reason."""
    fields = slot_fields(booking.slot)
    return {**fields, "reason": booking.reason} if booking.reason else fields


def times(slots: Iterable[Slot]) -> list[dict[str, str]]:
    """Return the times of slots of one day."""
    return [{"time": f"{slot.start:%H:%M}", "spoken": speakable_time(slot.start)} for slot in slots]
