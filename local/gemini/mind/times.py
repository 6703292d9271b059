"""Reads days and times of day in English whose number words are digits already."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from babel.dates import get_day_names, get_month_names


def weekday_names(tag: str) -> tuple[str, ...]:
    """Return the names of the days in a language, from Monday."""
    names = get_day_names(locale=tag.replace("-", "_"))
    return tuple(names[day] for day in range(7))


def month_names(tag: str) -> tuple[str, ...]:
    """Return the names of the months in a language, from January."""
    names = get_month_names(locale=tag.replace("-", "_"))
    return tuple(names[month] for month in range(1, 13))


WEEKDAYS = tuple(map(str.lower, weekday_names("en")))
MONTHS = tuple(map(str.lower, month_names("en")))
_OFFSETS = ("today", "tomorrow", "the day after tomorrow")

_WEEKDAY = f"(?:{'|'.join(WEEKDAYS)})"
_MONTH = f"(?:{'|'.join(MONTHS)})"
_DAY_OF_MONTH = r"(?<!\d:)(?:3[01]|[12]\d|0?[1-9])"
_SUFFIX = "(?:st|nd|rd|th)"
_DAY = re.compile(
    rf"""\b(?:
      (?P<iso>\d{{4}}-\d\d-\d\d)(?:t|\b)
    | (?P<first>\d\d?)/(?P<second>\d\d?)(?:/(?P<year1>\d{{4}}))?\b
    | (?:(?P<weekday1>{_WEEKDAY}),?\ )?(?:
          (?:the\ )?(?P<day1>{_DAY_OF_MONTH}){_SUFFIX}?(?:\ of)?\ (?P<month1>{_MONTH})\b
        | (?P<month2>{_MONTH}),?\ (?:the\ )?(?P<day2>{_DAY_OF_MONTH}){_SUFFIX}?\b(?!:)
      )(?:,?\ (?P<year2>(?:19|20|21)\d\d)\b)?
    | (?:(?P<weekday2>{_WEEKDAY}),?\ )?the\ (?P<day3>{_DAY_OF_MONTH}){_SUFFIX}\b
      (?=\s*(?:$|[^\w\s]|(?:and|at|after|before|between|for|from|in|is|or|please|to)\b))
    | (?P<count1>\d\d?)\ (?P<unit1>day|week)s?\ (?:after|from|on)\ (?:next\ )?
      (?:now|(?P<offset1>today|tomorrow)|(?P<weekday3>{_WEEKDAY}))\b
    | (?P<week1>next\ week),?\ (?:on\ )?(?P<weekday4>{_WEEKDAY})\b
    | (?P<next>next\ )?(?P<weekday5>{_WEEKDAY})s?\b(?P<week2>,?\ (?:of\ )?next\ week\b)?
    | in\ (?P<count2>\d{{1,3}})\ (?P<unit2>day|week)s?\b
    | (?P<offset2>the\ day\ after\ tomorrow|tomorrow|today)\b
    )""",
    re.VERBOSE,
)
_HOUR = r"(?<![\d:.])(?:2[0-4]|[01]?\d)"
_HALF = r"\ ?(?P<half{0}>[ap])\.?\ ?m\b\.?"
_AFTER_HOUR = r"\ ?[ap]\.?\ ?m\b|\ ?o'?\ ?clock\b|\ in\ the\ (?:morning|afternoon|evening)"
_TIME = re.compile(
    rf"""(?:
      (?P<minutes>\d\d?)\ minutes\ (?P<relation>to|past)\ (?P<hour1>{_HOUR})\b
    | (?P<hour2>{_HOUR})[:.](?P<minute1>[0-5]\d)(?::[0-5]\d)?(?!\d)
    | (?P<hour3>{_HOUR})(?:[ -](?P<minute2>[0-5]\d|0\ ?\d))?(?={_AFTER_HOUR})
    | (?:^|[.!?]\s)\s*(?P<hour4>{_HOUR})(?:[ -](?P<minute3>[0-5]\d))?
      (?=(?:,?\ (?:please|then))?\s*(?:[.!?]|$))
    | \b(?:at|about|around|from)\ (?P<hour5>{_HOUR})(?:[ -](?P<minute4>[0-5]\d|0\ ?\d))?\b
      (?!{_SUFFIX}|[:.]?\d|\ (?:of|people|persons|days|weeks|minutes|hours)\b)
    )(?:\ o'?\ ?clock)?(?:{_HALF.format("")})?(?:\ in\ the\ (?:morning|afternoon|evening))?""",
    re.VERBOSE,
)
# Such words allow several times.
_LIMIT = re.compile(
    rf"""\b(?:between|after|before|until|till)\ (?P<hour>{_HOUR})(?::\d\d)?(?:{_HALF.format(1)})?
    (?:\ and\ {_HOUR}(?::\d\d)?(?:{_HALF.format(2)})?)?(?:\ o'?\ ?clock)?""",
    re.VERBOSE,
)
_PART = re.compile(r"\b(?:morning|afternoon|evening)\b")


@dataclass(frozen=True, slots=True)
class When:
    """A day and a time as the user names them; each part may be missing.

    Attributes:
        named: The parts of the day's name; empty without a day.
        at: The time of day.
        part: morning, afternoon or evening.
        is_day_first: Whether "3/12" is in December; None if callers write both.
    """

    named: Mapping[str, str] = MappingProxyType({})
    at: time | None = None
    part: str | None = None
    is_day_first: bool | None = None

    def on(self, now: datetime) -> date | None:
        """Return the next such day. Today counts unless the time has passed.

        Returns:
            None if no day was named, its name has two readings or the calendar has no such day.
        """
        named, today = self.named, now.date()
        if not named:
            return None
        if "iso" in named:
            return _iso_date(named["iso"])
        if "first" in named:
            found = {one for one in self._numeric_readings() if _date(2000, *one)}  # a leap year
            return _next(today, *found.pop(), named.get("year")) if len(found) == 1 else None
        if "day" in named:
            month = MONTHS.index(named["month"]) + 1 if "month" in named else None
            return _next(today, month, int(named["day"]), named.get("year"))
        days = int(named.get("count", 0)) * (7 if named.get("unit") == "week" else 1)
        if "weekday" not in named:
            return today + timedelta(_OFFSETS.index(named.get("offset", "today")) + days)
        ahead = WEEKDAYS.index(named["weekday"]) - today.weekday()
        is_past = not ahead and ("next" in named or (self.at and self.at <= now.time()))
        if "week" in named or ahead < 0 or is_past:
            ahead += 7
        return today + timedelta(ahead + days)

    def _numeric_readings(self) -> list[tuple[int, int]]:
        """Return the month and the day of "3/12" in each possible order."""
        first, second = int(self.named["first"]), int(self.named["second"])
        orders = [(first, second), (second, first)]
        return orders if self.is_day_first is None else [orders[self.is_day_first]]


def words_of(text: str) -> str:
    """Normalize a text to lower case, straight apostrophes and single spaces."""
    return re.sub(r"\s+", " ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).strip()


def ordinal(number: int) -> str:
    """Return a number such as "27th"."""
    teens = 10 <= number % 100 <= 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def parse_when(words: str, *, is_day_first: bool | None = None) -> When:
    """Parse the day and the time in normalized words; of several, the last.

    Args:
        words: English words with digits.
        is_day_first: Whether "3/12" is in December; None if callers write both.
    """
    days = list(_DAY.finditer(words))
    # The numbers in the name of a day are not times.
    at, part = _parse_time(_DAY.sub(" , ", words))
    return When(_named(days[-1]) if days else {}, at, part, is_day_first)


def _parse_time(words: str) -> tuple[time | None, str | None]:
    """Return the time of day and the part of the day."""
    limits = list(_LIMIT.finditer(words))
    words = _LIMIT.sub(" , ", words)
    parts = _PART.findall(words)
    part = parts[-1] if parts else None
    times = list(_TIME.finditer(words))
    if not times:
        if limits and part is None:
            named = _named(limits[0])
            hour = _hour_of_day(named["hour"], named.get("half"), None)
            part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
        return None, part
    named = _named(times[-1])
    minutes = 60 * _hour_of_day(named["hour"], named.get("half"), part)
    minutes += int(named.get("minute", "0").replace(" ", ""))
    minutes += int(named.get("minutes", 0)) * (-1 if named.get("relation") == "to" else 1)
    return time(minutes // 60 % 24, minutes % 60), "morning" if named.get("half") == "a" else part


def _hour_of_day(written: str, half: str | None, part: str | None) -> int:
    hour = int(written)
    if hour > 12:
        return hour
    if half or part:
        return hour % 12 + (0 if half == "a" or (not half and part == "morning") else 12)
    # A desk is open in the afternoon; "04:00" is a time of 24 hours.
    return hour + 12 if 1 <= hour <= 6 and not written.startswith("0") else hour


def _named(found: re.Match[str]) -> Mapping[str, str]:
    """Return the groups of a match, without the numbers of their names."""
    groups = found.groupdict().items()
    return {name.rstrip("0123456789"): text for name, text in groups if text is not None}


def _next(today: date, month: int | None, day: int, year: str | None) -> date | None:
    """Return the next such day of a month, of any month for None, or the one in ``year``."""
    if year and month:
        return _date(int(year), month, day)
    months = ((today.year + n // 12, n % 12 + 1) for n in range(today.month - 1, today.month + 12))
    found = (_date(*one, day) for one in months if month in (None, one[1]))
    return next((one for one in found if one and one >= today), None)


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
