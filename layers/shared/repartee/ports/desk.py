from collections.abc import Sequence
from datetime import date
from typing import Protocol

from repartee.domain.desk import Booking, OpeningHours, Slot


class Desk(Protocol):
    """The front desk's book: hours, slots and bookings. Slots are in the desk's time zone.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def opening_hours(self, day: date) -> OpeningHours | None:
        """Return when the desk is open that day, None when it is closed."""
        ...

    def free_slots(self, day: date) -> Sequence[Slot]:
        """Return the day's slots that nobody has booked, in order."""
        ...

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        """Book ``slot`` for the user; booking one's own slot again returns the same booking.

        Raises:
            SlotTaken: Somebody else has it.
            SlotUnknown: The desk offers no such slot.
            UserErased: The user asked to be forgotten.
        """
        ...

    def bookings(self, user_id: str) -> Sequence[Booking]:
        """Return the user's bookings in order of time."""
        ...

    def cancel(self, user_id: str, slot: Slot) -> None:
        """Give the slot back.

        Raises:
            BookingUnknown: The user has not booked it.
        """
        ...
