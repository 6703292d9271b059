import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from repartee.domain.errors import UserErased
from repartee.domain.front_desk.bookings import (
    Booking,
    BookingUnknown,
    Slot,
    SlotAlreadyHeldByUser,
    SlotTaken,
    SlotUnknown,
    free_slots,
    is_upcoming,
)
from repartee.domain.front_desk.rules import WEEKDAYS, DeskRules, OpeningHours
from tests.fakes.tables import FakeTables


class FakeDesk:
    """A desk with slots of an hour on the weekdays of the given days, or with other rules."""

    def __init__(
        self,
        hours: Mapping[date, OpeningHours] | DeskRules,
        time_zone: tzinfo = UTC,
        tables: FakeTables | None = None,
    ) -> None:
        self._tables = tables or FakeTables()
        if not isinstance(hours, DeskRules):
            week = {WEEKDAYS[day.weekday()]: one for day, one in hours.items()}
            hours = DeskRules(week=week, slot_minutes=60, time_zone=ZoneInfo(str(time_zone)))
        self._rules = hours
        self._bookings: dict[Slot, Booking] = {}
        self._minutes: dict[Slot, int] = {}
        self._moves: set[tuple[str, Slot, Slot]] = set()
        self._lock = threading.Lock()

    def rules(self) -> DeskRules:
        return self._rules

    def write_rules(self, rules: DeskRules) -> None:
        self._rules = rules

    def free_slots(self, day: date, *, now: datetime) -> Sequence[Slot]:
        with self._lock:
            return self._free(self._rules.open_slots(day, now))

    def _free(self, slots: Sequence[Slot], instead_of: Slot | None = None) -> Sequence[Slot]:
        rules = self._rules
        minutes = {slot: length for slot, length in self._minutes.items() if slot != instead_of}
        return free_slots(slots, rules.slot_minutes, minutes, rules.time_zone)

    def book(self, user_id: str, slot: Slot, *, reason: str, booked_at_ms: int) -> Booking:
        with self._lock:
            booking = self._bookings.get(slot)
            if booking is not None and booking.user_id == user_id:
                return booking
            if booking is not None and not self._is_open(slot, booked_at_ms):
                raise SlotTaken(f"{slot.day} {slot.start}")
            return self._put(Booking(user_id, slot, reason, booked_at_ms), None)

    def move(self, user_id: str, old: Slot, new: Slot, *, moved_at_ms: int) -> Booking:
        with self._lock:
            held = self._ahead(user_id, moved_at_ms)
            if (user_id, old, new) in self._moves and old not in held:
                return self._bookings[new]
            if old not in held:
                raise BookingUnknown(f"{old.day} {old.start}")
            if old == new:
                return self._bookings[old]
            if new in held:
                raise SlotAlreadyHeldByUser(f"{new.day} {new.start}")
            booking = Booking(user_id, new, self._bookings[old].reason, moved_at_ms)
            self._put(booking, old)
            self._release_slot(old)
            self._moves.add((user_id, old, new))
            return booking

    def _put(self, booking: Booking, old: Slot | None) -> Booking:
        user_id, slot, now_ms = booking.user_id, booking.slot, booking.booked_at_ms
        if not self._is_open(slot, now_ms):
            raise SlotUnknown(f"{slot.day} {slot.start}")
        if self._tables.is_erased(user_id):
            raise UserErased(user_id)
        self._rules.check_bookable(self._ahead(user_id, now_ms), slot, instead_of=old)
        if not self._free([slot], old):
            raise SlotTaken(f"{slot.day} {slot.start}")
        self._bookings[slot] = booking
        self._minutes[slot] = self._rules.slot_minutes
        return booking

    def _is_open(self, slot: Slot, now_ms: int) -> bool:
        return slot in self._rules.open_slots(slot.day, self._at(now_ms))

    def _at(self, now_ms: int) -> datetime:
        return datetime.fromtimestamp(now_ms / 1000, self._rules.time_zone)

    def _ahead(self, user_id: str, now_ms: int) -> Collection[Slot]:
        now = self._at(now_ms)
        mine = (slot for slot, one in self._bookings.items() if one.user_id == user_id)
        return [slot for slot in mine if is_upcoming(slot, now, now.tzinfo)]

    def bookings(self, user_id: str) -> Sequence[Booking]:
        with self._lock:
            mine = [booking for booking in self._bookings.values() if booking.user_id == user_id]
        return sorted(mine, key=lambda booking: booking.slot)

    def cancel(self, user_id: str, slot: Slot) -> None:
        with self._lock:
            booking = self._bookings.get(slot)
            if booking is None or booking.user_id != user_id:
                raise BookingUnknown(f"{slot.day} {slot.start}")
            self._release_slot(slot)

    def _release_slot(self, slot: Slot) -> None:
        del self._bookings[slot], self._minutes[slot]
        # The move to this slot cannot be repeated now.
        self._moves = {one for one in self._moves if one[2] != slot}
