"""Port of the front desk."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from repartee.domain.front_desk.bookings import Booking, Slot
from repartee.domain.front_desk.rules import DeskRules


class Desk(Protocol):
    """The front desk's book: rules, slots and bookings. Slots are in the desk's time zone.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def rules(self) -> DeskRules:
        """Return the rules that an operator has set, or the default rules."""
        ...

    def free_slots(self, day: date, *, now: datetime) -> Sequence[Slot]:
        """Return the day's slots that can be booked at ``now``, an aware time, in order."""
        ...

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        """Book ``slot`` for the user; booking one's own slot again returns the same booking.

        Raises:
            SlotTaken: Another user has it.
            SlotUnknown: The desk offers no such slot.
            TooManyBookings: The user has as many future bookings as the desk allows.
            UserErased: The user's data is erased.
        """
        ...

    def move(self, user_id: str, old: Slot, new: Slot, *, moved_at_ms: int) -> Booking:
        """Give ``old`` up for ``new``, both or neither; the same move again changes nothing.

        Returns:
            The booking of ``new``, for the same reason as the one of ``old``.

        Raises:
            BookingUnknown: The user has no future booking for ``old``.
            SlotAlreadyHeldByUser: The user has another booking for ``new``.
            SlotTaken: Another user has it.
            SlotUnknown: The desk offers no such slot.
            TooManyBookings: The user has as many on that day as the desk allows.
            UserErased: The user's data is erased.
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
