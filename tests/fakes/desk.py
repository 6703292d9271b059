import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo

from repartee.domain.desk import (
    Booking,
    BookingUnknown,
    OpeningHours,
    Slot,
    SlotTaken,
    SlotUnknown,
)
from repartee.domain.errors import UserErased
from tests.fakes.tables import FakeTables


class FakeDesk:
    """A desk with one slot per full hour of its opening hours."""

    def __init__(
        self,
        hours: Mapping[date, OpeningHours],
        time_zone: tzinfo = UTC,
        tables: FakeTables | None = None,
    ) -> None:
        self._tables = tables or FakeTables()
        self._hours = dict(hours)
        self._time_zone = time_zone
        self._bookings: dict[Slot, Booking] = {}
        self._lock = threading.Lock()

    def _slots(self, day: date) -> list[Slot]:
        hours = self._hours.get(day)
        if hours is None:
            return []
        starts = (time(hour) for hour in range(24))
        return [
            Slot(day, start)
            for start in starts
            if hours.opens <= start
            and start.hour * 60 + 60 <= hours.closes.hour * 60 + hours.closes.minute
        ]

    def opening_hours(self, day: date) -> OpeningHours | None:
        return self._hours.get(day)

    def free_slots(self, day: date) -> Sequence[Slot]:
        with self._lock:
            return [slot for slot in self._slots(day) if slot not in self._bookings]

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        now = datetime.fromtimestamp(booked_at_ms / 1000, self._time_zone)
        start = datetime.combine(slot.day, slot.start, self._time_zone)
        with self._lock:
            booking = self._bookings.get(slot)
            if booking is None:
                if slot not in self._slots(slot.day) or start <= now:
                    raise SlotUnknown(f"{slot.day} {slot.start}")
                if self._tables.is_erased(user_id):
                    raise UserErased(user_id)
                booking = Booking(user_id, slot, reason, booked_at_ms)
                self._bookings[slot] = booking
            elif booking.user_id != user_id:
                raise SlotTaken(f"{slot.day} {slot.start}")
            return booking

    def bookings(self, user_id: str) -> Sequence[Booking]:
        with self._lock:
            mine = [booking for booking in self._bookings.values() if booking.user_id == user_id]
        return sorted(mine, key=lambda booking: booking.slot)

    def cancel(self, user_id: str, slot: Slot) -> None:
        with self._lock:
            booking = self._bookings.get(slot)
            if booking is None or booking.user_id != user_id:
                raise BookingUnknown(f"{slot.day} {slot.start}")
            del self._bookings[slot]
