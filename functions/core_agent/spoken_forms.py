"""Spoken forms of days and times in the language of an answer."""

import re
from collections.abc import Sequence
from datetime import date, time, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol

from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.text.characters import one_line
from repartee.domain.text.spoken_english import (
    needs_year,
    spoken_day,
    spoken_slot,
    spoken_time,
)

if TYPE_CHECKING:
    from babel import Locale

_QUOTED = re.compile("'[^']*'")
_WEEKDAY_OR_QUOTED = re.compile("'[^']*'|E+|ccc+")


class SpokenForms(Protocol):
    """How one language says days and times."""

    def day(self, day: date, today: date) -> str:
        """Return a day with its weekday, and with its year if ``today`` does not imply it."""

    def time(self, moment: time) -> str:
        """Return a time of day."""

    def slot(self, slot: Slot, today: date) -> str:
        """Return the day and the time at which a slot starts."""

    def hours(self, hours: OpeningHours, day: date) -> str:
        """Return opening hours that start on ``day``."""

    def all_of(self, texts: Sequence[str]) -> str:
        """Return the texts as one list."""


@lru_cache(maxsize=32)
def spoken_forms(language: str) -> SpokenForms:
    """Return the forms of a language by its BCP 47 tag, the English ones if it is unknown."""
    name = language.replace("_", "-").partition("-")[0].lower()
    if name == "en":
        return _English()
    # Babel takes 20 ms to import and to load a language, which English answers do not need.
    from babel import Locale, UnknownLocaleError

    for tag in (language.replace("_", "-"), name):
        try:
            return _OtherLanguage(Locale.parse(tag, sep="-"))
        except (UnknownLocaleError, ValueError):
            continue
    return _English()


class _English:
    def day(self, day: date, today: date) -> str:
        return spoken_day(day, today)

    def time(self, moment: time) -> str:
        return spoken_time(moment)

    def slot(self, slot: Slot, today: date) -> str:
        return spoken_slot(slot, today)

    def hours(self, hours: OpeningHours, day: date) -> str:
        spoken = f"from {spoken_time(hours.opens)} to {spoken_time(hours.closes)}"
        return f"{spoken} the next day" if _ends_after_midnight(hours) else spoken

    def all_of(self, texts: Sequence[str]) -> str:
        return " and ".join(texts)


class _OtherLanguage:
    """The forms of Unicode's locale data, as Babel has them."""

    def __init__(self, locale: "Locale"):
        # Imported here for the same reason as in ``spoken_forms``.
        from babel.dates import format_date, format_time, match_skeleton
        from babel.lists import format_list

        skeletons = locale.datetime_skeletons
        found = match_skeleton("MMMMEEEEd", skeletons)
        short = str(locale.time_formats["short"])
        # On a clock of 12 hours, "in the afternoon" is said in more languages than "PM" is.
        clock = str(skeletons["Bhm"]) if "h" in _QUOTED.sub("", short) else short
        dated = str(locale.date_formats["full"])
        undated = _whole_weekday(str(skeletons[found])) if found else dated
        self._time = partial(format_time, format=clock, locale=locale)
        self._day_of_year = partial(format_date, format=undated, locale=locale)
        self._day_and_year = partial(format_date, format=dated, locale=locale)
        self._weekday = partial(format_date, format="EEEE", locale=locale)
        self._list = partial(format_list, locale=locale)
        self._slot = str(locale.datetime_formats["full"])
        # Narrow spaces around the dash are for print.
        self._range = one_line(str(locale.interval_formats[None]))

    def day(self, day: date, today: date) -> str:
        return (self._day_and_year if needs_year(day, today) else self._day_of_year)(day)

    def time(self, moment: time) -> str:
        return self._time(moment)

    def slot(self, slot: Slot, today: date) -> str:
        return self._slot.format(self.time(slot.start), self.day(slot.day, today))

    def hours(self, hours: OpeningHours, day: date) -> str:
        opens, closes = self.time(hours.opens), self.time(hours.closes)
        if _ends_after_midnight(hours):
            opens = self._slot.format(opens, self._weekday(day))
            # Six days before is the same weekday as one day after, which the calendar may not have.
            following = day + timedelta(days=1) if day < date.max else day - timedelta(days=6)
            closes = self._slot.format(closes, self._weekday(following))
        return self._range.format(opens, closes)

    def all_of(self, texts: Sequence[str]) -> str:
        return self._list(texts)


def _whole_weekday(pattern: str) -> str:
    """Return a date pattern with the weekday's whole name; text in quotes stays."""
    return _WEEKDAY_OR_QUOTED.sub(lambda part: part[0] if part[0][0] == "'" else "EEEE", pattern)


def _ends_after_midnight(hours: OpeningHours) -> bool:
    return hours.ends_next_day and hours.closes != time(0)
