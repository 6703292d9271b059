"""The sample business behind core_agent's tools: slots that users book at a front desk."""

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo

from repartee.domain.errors import ReparteeError


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A stretch of time that one user can book, in the desk's time zone.

    Attributes:
        day: The date on which it starts, also where the desk opened on the evening before.
    """

    day: date
    start: time


def is_upcoming(slot: Slot, now: datetime, zone: tzinfo | None) -> bool:
    """Tell whether a slot of ``zone`` starts after ``now``, an aware time.

    An hour that comes twice, where clocks are put back, counts as the first of the two.
    """
    # Times of one zone would be compared by the clock on the wall, as if no hour came twice.
    return datetime.combine(slot.day, slot.start, zone).timestamp() > now.timestamp()


@dataclass(frozen=True, slots=True)
class Booking:
    """A slot that a user holds."""

    user_id: str
    slot: Slot
    reason: str
    booked_at_ms: int


class DeskRefused(ReparteeError):
    """The desk did not do what a user asked for, for a reason that the user has to hear."""


class SlotTaken(DeskRefused):
    """Somebody else has booked this slot."""


class SlotAlreadyHeldByUser(DeskRefused):
    """The user has another booking for this slot."""


class SlotUnknown(DeskRefused):
    """The desk offers no such slot: in the past, too far ahead, closed, or not one of its times."""


class BookingUnknown(DeskRefused):
    """The user has no booking for this slot."""


class TooManyBookings(DeskRefused):
    """The user has as many bookings ahead as the desk allows.

    Attributes:
        limit: How many it allows.
        day: The day that it allows them for, None for all days together.
    """

    def __init__(self, limit: int, day: date | None = None) -> None:
        super().__init__(f"{limit} bookings ahead" + (f" on {day}" if day else ""))
        self.limit = limit
        self.day = day
