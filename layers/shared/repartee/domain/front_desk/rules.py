"""Rules of the front desk: opening hours, booking horizon, and bookings per user."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    model_validator,
)

from repartee.domain.errors import ReparteeError
from repartee.domain.front_desk.bookings import Slot, TooManyBookings, is_upcoming
from repartee.domain.text.validation_errors import describe_validation_errors

type Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)

_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_MIDNIGHT = time(0)
# Any leap year, so that the 29th of February is accepted as a closed day.
_LEAP_YEAR = 2024


def _clock(value: object) -> time:
    # Items that were written by hand, before the command existed, may hold seconds.
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:00)?", value):
        raise ValueError("write a time as HH:MM, from 00:00 to 23:59; midnight is 00:00")
    return time.fromisoformat(value)


def _closed_day(value: str) -> str:
    if not re.fullmatch(r"(\d{4}-)?\d{2}-\d{2}", value):
        raise ValueError("write a day as YYYY-MM-DD, or as MM-DD for every year, such as 12-25")
    try:
        date.fromisoformat(value if len(value) > len("MM-DD") else f"{_LEAP_YEAR}-{value}")
    except ValueError:
        raise ValueError(f"there is no {value} in the calendar") from None
    return value


type ClockTime = Annotated[
    time,
    BeforeValidator(_clock),
    PlainSerializer(lambda at: f"{at:%H:%M}", return_type=str),
]
type ClosedDay = Annotated[str, AfterValidator(_closed_day)]


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The hours during which the desk is open on one day.

    Attributes:
        closes: Closing time; on the next day unless it is later than ``opens``.
    """

    opens: ClockTime
    closes: ClockTime

    @property
    def ends_next_day(self) -> bool:
        """Return whether the desk closes at midnight or later."""
        return self.closes <= self.opens


def split_hours(text: str) -> dict[str, str]:
    """Return the fields of ``OpeningHours`` for a text such as ``09:00-17:00``, unchecked.

    Raises:
        ValueError: The text has no hyphen.
    """
    opens, hyphen, closes = text.partition("-")
    if not hyphen:
        raise ValueError("write opening and closing time, such as 09:00-17:00")
    return {"opens": opens.strip(), "closes": closes.strip()}


class RulesRefused(ReparteeError):
    """The rules are invalid; the message names each field and its fault."""


def check_nights(week: Mapping[Weekday, OpeningHours]) -> None:
    """Check that no day opens before the hours of the day before have ended.

    Raises:
        ValueError: A day opens too early; the message names both days.
    """
    for name, next_name in zip(WEEKDAYS, WEEKDAYS[1:] + WEEKDAYS[:1], strict=True):
        night, morning = week.get(name), week.get(next_name)
        if night and morning and night.ends_next_day and morning.opens < night.closes:
            raise ValueError(
                f"{next_name} must not open at {morning.opens:%H:%M}, because the hours of "
                f"{name} end at {night.closes:%H:%M}"
            )


class Obstacle(StrEnum):
    """Why nothing can be booked on a day."""

    PAST = "in_the_past"
    TOO_FAR = "too_far_ahead"
    CLOSED = "closed"


class DeskRules(BaseModel):
    """The desk's settings. Every reader and writer of the stored item checks it with this model.

    Attributes:
        week: Hours by the weekday on which they start; the desk is closed on the others.
        slot_minutes: Length of a slot; the first one starts when the desk opens.
        time_zone: Time zone of all days and times of the desk.
        closed: Closed days, ``YYYY-MM-DD``, or ``MM-DD`` for every year. Hours that start on the
            day before a closed day end at midnight.
        horizon_days: How many days after today a slot can be booked.
        max_bookings: How many upcoming bookings one user may hold.
        max_bookings_per_day: How many of them may be on one day.
    """

    model_config = ConfigDict(frozen=True)

    week: dict[Weekday, OpeningHours]
    slot_minutes: int = Field(default=30, ge=1, le=1_440)
    time_zone: ZoneInfo
    closed: tuple[ClosedDay, ...] = Field(default=(), max_length=400)
    horizon_days: int = Field(default=365, ge=1, le=3_650)
    max_bookings: int = Field(default=10, ge=1, le=100)
    max_bookings_per_day: int = Field(default=3, ge=1, le=100)

    @model_validator(mode="after")
    def _nights_end_before_the_next_opening(self) -> Self:
        check_nights(self.week)
        return self

    def check_zone(self, zone: ZoneInfo) -> None:
        """Check that the rules use the deployment's time zone, in which every "now" is given.

        Raises:
            RulesRefused: The rules name another time zone.
        """
        if self.time_zone.key != zone.key:
            raise RulesRefused(
                f"time_zone: it is {self.time_zone.key}, and the deployment's is {zone.key}, which "
                "the parameter DeskTimeZone sets"
            )

    def is_closed(self, day: date) -> bool:
        """Return whether ``day`` is one of the closed days, whatever its weekday."""
        return f"{day}" in self.closed or f"{day}"[5:] in self.closed

    def on(self, day: date) -> OpeningHours | None:
        """Return the hours that start on ``day``, or None."""
        hours = None if self.is_closed(day) else self.week.get(WEEKDAYS[day.weekday()])
        if hours is None or not hours.ends_next_day or day == date.max:
            return hours
        return replace(hours, closes=_MIDNIGHT) if self.is_closed(day + _ONE_DAY) else hours

    def open_on(self, day: date) -> tuple[OpeningHours, ...]:
        """Return all opening hours within ``day``, in order.

        Hours that started on the day before come first, cut at midnight.
        """
        before = self.on(day - _ONE_DAY) if day > date.min else None
        hours = [self.on(day)]
        if before and before.ends_next_day and before.closes > _MIDNIGHT:
            hours.insert(0, OpeningHours(_MIDNIGHT, before.closes))
        return tuple(one for one in hours if one)

    def slots(self, day: date) -> tuple[Slot, ...]:
        """Return every slot that starts on ``day`` and ends before the desk closes, in order.

        Slots follow one another in real time. When clocks are put forward, the missing hour has no
        slots. When they are put back, only the first of the two equal hours has slots.
        """
        begun = (day - _ONE_DAY, day)
        return tuple(Slot(day, start) for first in begun for start in self._starts(first, day))

    def _starts(self, first_day: date, day: date) -> Iterator[time]:
        hours = self.on(first_day)
        if hours is None:
            return
        last_day = first_day + _ONE_DAY if hours.ends_next_day else first_day
        start = self._instant(first_day, hours.opens)
        closing = self._instant(last_day, hours.closes)
        length = timedelta(minutes=self.slot_minutes)
        while start + length <= closing:
            local = start.astimezone(self.time_zone)
            if local.date() == day and not local.fold:
                yield local.time()
            start += length

    def _instant(self, day: date, at: time) -> datetime:
        """Return a local time in UTC; for a time that the clocks skip, the moment of the change."""
        moment = datetime.combine(day, at, self.time_zone).astimezone(UTC)
        local = moment.astimezone(self.time_zone)
        if (local.date(), local.time()) != (day, at):
            while (moment - _ONE_MINUTE).astimezone(
                self.time_zone
            ).utcoffset() == local.utcoffset():
                moment -= _ONE_MINUTE
        return moment

    def today(self, now: datetime) -> date:
        """Return the desk's date at ``now``, an aware time."""
        return now.astimezone(self.time_zone).date()

    def last_day(self, now: datetime) -> date:
        """Return the last day that can be booked at ``now``, an aware time."""
        return self.today(now) + timedelta(days=self.horizon_days)

    def obstacle(self, day: date, now: datetime) -> Obstacle | None:
        """Return why no slot of ``day`` can be booked at ``now``, or None.

        Existing bookings are not considered.
        """
        if day < self.today(now):
            return Obstacle.PAST
        if day > self.last_day(now):
            return Obstacle.TOO_FAR
        return None if self.open_on(day) else Obstacle.CLOSED

    def open_slots(self, day: date, now: datetime) -> tuple[Slot, ...]:
        """Return the slots of ``day`` that can be booked at ``now``, an aware time."""
        if self.obstacle(day, now):
            return ()
        return tuple(slot for slot in self.slots(day) if is_upcoming(slot, now, self.time_zone))

    def check_bookable(
        self, held: Collection[Slot], wanted: Slot, *, instead_of: Slot | None = None
    ) -> None:
        """Check that a user may book ``wanted`` in addition to their bookings.

        Args:
            held: The upcoming slots that the user has booked.
            wanted: The slot to book.
            instead_of: The slot of ``held`` that the user gives up for it, if any.

        Raises:
            TooManyBookings: The user holds as many bookings as the desk allows.
        """
        if instead_of is None and len(held) >= self.max_bookings:
            raise TooManyBookings(self.max_bookings)
        that_day = sum(slot.day == wanted.day for slot in held if slot != instead_of)
        # A move within one day does not add to the bookings of that day.
        is_more = instead_of is None or instead_of.day != wanted.day
        if is_more and that_day >= self.max_bookings_per_day:
            raise TooManyBookings(self.max_bookings_per_day, wanted.day)


def checked_rules(
    values: Mapping[str, object], zone: ZoneInfo, *, unknown: Literal["ignore", "forbid"]
) -> DeskRules:
    """Validate desk rules.

    Args:
        values: The fields of ``DeskRules`` as JSON values.
        zone: The deployment's time zone.
        unknown: Whether to ignore or refuse unknown fields, which a later version may have written.

    Raises:
        RulesRefused: A field is invalid, or the time zone is not the deployment's.
    """
    try:
        rules = DeskRules.model_validate(values, extra=unknown)
    except ValidationError as error:
        raise RulesRefused(describe_validation_errors(error, "week")) from None
    rules.check_zone(zone)
    return rules


def default_rules(zone: ZoneInfo, week: Mapping[Weekday, OpeningHours] | None = None) -> DeskRules:
    """Return the rules of a desk without a stored item.

    Args:
        zone: The deployment's time zone.
        week: Hours by weekday. None: Monday to Friday, 9 to 5.
    """
    office = OpeningHours(time(9), time(17))
    return DeskRules(week=week or dict.fromkeys(WEEKDAYS[:5], office), time_zone=zone)
