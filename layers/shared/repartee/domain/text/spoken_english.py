"""Spoken forms of days and times in English."""

from datetime import date, time

from repartee.domain.front_desk.bookings import Slot

# strftime depends on the process's locale; these names do not.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SUFFIXES = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


def weekday(day: date) -> str:
    """Return the weekday's name, such as ``Friday``."""
    return _WEEKDAYS[day.weekday()]


def spoken_day(day: date, today: date) -> str:
    """Return a day's spoken form, such as ``Friday the 27th of November``.

    The year is added for past days, and for days twelve months after ``today`` or later.
    """
    suffix = _SUFFIXES.get(day.day, "th")
    spoken = f"{weekday(day)} the {day.day}{suffix} of {_MONTHS[day.month - 1]}"
    return f"{spoken} {day.year}" if needs_year(day, today) else spoken


def needs_year(day: date, today: date) -> bool:
    """Return whether the year of ``day`` is not evident from ``today``."""
    year_later = (today.year + 1, today.month, today.day)
    return day < today or (day.year, day.month, day.day) >= year_later


def spoken_time(moment: time) -> str:
    """Return a time's spoken form, such as ``3 p.m.``, ``9:30 a.m.`` or ``noon``."""
    if (moment.hour, moment.minute) in {(0, 0), (12, 0)}:
        return "noon" if moment.hour else "midnight"
    hour = moment.hour % 12 or 12
    minutes = f":{moment.minute:02d}" if moment.minute else ""
    return f"{hour}{minutes} {'p.m.' if moment.hour >= 12 else 'a.m.'}"


def spoken_slot(slot: Slot, today: date) -> str:
    """Return a slot's spoken form, such as ``Friday the 27th of November at 3 p.m.``."""
    return f"{spoken_day(slot.day, today)} at {spoken_time(slot.start)}"
