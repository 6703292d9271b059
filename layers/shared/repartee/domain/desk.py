"""The sample business behind core_agent's tools: a front desk with slots to book."""

from dataclasses import dataclass
from datetime import date, time

from repartee.domain.errors import ReparteeError


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A stretch of time that one user can book, in the desk's time zone."""

    day: date
    start: time


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When the desk is open on one day."""

    opens: time
    closes: time


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
