"""Slots and bookings of the sample business behind core_agent's tools, a front desk."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from repartee.domain.errors import ReparteeError


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A period that one user can book, in the desk's time zone.

    Attributes:
        day: The date on which it starts, even where the desk opened on the evening before.
    """

    day: date
    start: time


def is_upcoming(slot: Slot, now: datetime, zone: tzinfo | None) -> bool:
    """Return whether a slot in ``zone`` starts after ``now``, an aware time.

    When clocks are put back, an ambiguous local time means the first of the two.
    """
    # Python compares two times of one zone by their local clock time, which ignores the repeated
    # hour. Timestamps do not.
    return datetime.combine(slot.day, slot.start, zone).timestamp() > now.timestamp()


def free_slots(
    slots: Iterable[Slot], minutes: int, booked: Mapping[Slot, int], zone: tzinfo
) -> tuple[Slot, ...]:
    """Return the slots that overlap no booking.

    Args:
        slots: The slots of a day.
        minutes: Their length.
        booked: The length in minutes of each booking of that day. A booking that was made under
            earlier rules may have another length, or begin within a slot.
        zone: The desk's time zone.
    """
    taken = [_span(slot, length, zone) for slot, length in booked.items()]

    def is_free(slot: Slot) -> bool:
        begins, ends = _span(slot, minutes, zone)
        return slot not in booked and not any(begin < ends and begins < end for begin, end in taken)

    return tuple(slot for slot in slots if is_free(slot))


def _span(slot: Slot, minutes: int, zone: tzinfo) -> tuple[float, float]:
    begins = datetime.combine(slot.day, slot.start, zone).timestamp()
    return begins, begins + minutes * 60


@dataclass(frozen=True, slots=True)
class Booking:
    """A slot that a user holds."""

    user_id: str
    slot: Slot
    reason: str
    booked_at_ms: int


class DeskRefused(ReparteeError):
    """The desk refused a user's request for a reason that the user must be given."""


class SlotTaken(DeskRefused):
    """Another user has booked this slot."""


class SlotAlreadyHeldByUser(DeskRefused):
    """The user has another booking for this slot."""


class SlotUnknown(DeskRefused):
    """The slot is in the past, too far ahead, on a closed day, or not one of the desk's times."""


class BookingUnknown(DeskRefused):
    """The user has no booking for this slot."""


class TooManyBookings(DeskRefused):
    """The user already holds as many upcoming bookings as the desk allows.

    Attributes:
        limit: The number that the desk allows.
        day: The day that the limit is for, None for the limit over all days.
    """

    def __init__(self, limit: int, day: date | None = None) -> None:
        super().__init__(f"{limit} bookings ahead" + (f" on {day}" if day else ""))
        self.limit = limit
        self.day = day
