"""The sample business behind core_agent's tools: a front desk with slots to book."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from repartee.domain.errors import ReparteeError


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A stretch of time that one user can book, in the desk's time zone."""

    day: date
    start: time


def lies_ahead(slot: Slot, now: datetime, zone: tzinfo | None) -> bool:
    """Tell whether a slot of ``zone`` starts after ``now``, an aware time.

    An hour that comes twice, where clocks are put back, counts as the first of the two.
    """
    # Times of one zone would be compared by the clock on the wall, as if no hour came twice.
    return datetime.combine(slot.day, slot.start, zone).timestamp() > now.timestamp()


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When the desk is open on one day."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class DeskHours:
    """The desk's week.

    Attributes:
        week: Hours by weekday, Monday first, seven of them; None where the desk stays closed.
        slot_minutes: Length of a slot; the first one starts when the desk opens.
        zone: The zone that all days and times of the desk are in.
    """

    week: tuple[OpeningHours | None, ...]
    slot_minutes: int
    zone: ZoneInfo

    def on(self, day: date) -> OpeningHours | None:
        """Return the hours of ``day``, None when the desk is closed."""
        return self.week[day.weekday()]

    def slots(self, day: date) -> tuple[Slot, ...]:
        """Return every slot of ``day`` that ends before the desk closes, in order.

        Where clocks are put forward, an hour is missing and so are its slots.
        """
        hours = self.on(day)
        if hours is None:
            return ()
        length = timedelta(minutes=self.slot_minutes)
        start, closing = datetime.combine(day, hours.opens), datetime.combine(day, hours.closes)
        count = (closing - start) // length
        starts = (start + length * number for number in range(count))
        return tuple(Slot(day, one.time()) for one in starts if not self._is_skipped(one))

    def _is_skipped(self, start: datetime) -> bool:
        # In a gap, and only there, the zone's offset grows from one reading to the other: PEP 495.
        before, after = (start.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        return (before.utcoffset() or timedelta()) < (after.utcoffset() or timedelta())

    def open_slots(self, day: date, now: datetime) -> tuple[Slot, ...]:
        """Return the slots of ``day`` that start after ``now``, an aware time."""
        return tuple(slot for slot in self.slots(day) if lies_ahead(slot, now, self.zone))


def weekday_hours(zone: ZoneInfo) -> DeskHours:
    """Return what holds until the desk's own hours are set: Monday to Friday, 9 to 5."""
    office = OpeningHours(time(9), time(17))
    return DeskHours(week=(office,) * 5 + (None, None), slot_minutes=30, zone=zone)


@dataclass(frozen=True, slots=True)
class Booking:
    """A slot that a user holds."""

    user_id: str
    slot: Slot
    reason: str
    booked_at_ms: int


class SlotTaken(ReparteeError):
    """Somebody else has booked this slot."""


class SlotUnknown(ReparteeError):
    """The desk offers no such slot: closed, in the past, or not on the hour grid."""


class BookingUnknown(ReparteeError):
    """The user has no booking for this slot."""
