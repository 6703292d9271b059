"""Reads days and times of day in English whose number words are digits already."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

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
    | (?:\b(?:at|about|around|from)\ |(?:^|[.!?]\s)\s*)(?P<hour4>{_HOUR})
      (?:[ -](?P<minute3>[0-5]\d|0\ ?\d))?\b
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
        weekday: The weekday; 0 is Monday.
        is_next: Whether the user says "next" before the weekday.
        weeks: The calendar weeks from this one to the week of the weekday, for "next week".
        later_days: The days after the named weekday, for "a week from Monday".
        day_offset: The days from today, for "tomorrow" and similar words.
        month: The month, 1 to 12.
        day: The day of the month.
        exact: A full date.
        at: The time of day.
        part: morning, afternoon or evening.
    """

    weekday: int | None = None
    is_next: bool = False
    weeks: int = 0
    later_days: int = 0
    day_offset: int | None = None
    month: int | None = None
    day: int | None = None
    exact: date | None = None
    at: time | None = None
    part: str | None = None

    @property
    def has_day(self) -> bool:
        days = (self.weekday, self.day_offset, self.day, self.exact)
        return any(value is not None for value in days)

    def on(self, now: datetime) -> date | None:
        """Return the next such day, today included if its time, if any, is still to come.

        Returns:
            None if no day was named or the calendar has no such day.
        """
        today = now.date()
        if self.exact:
            return self.exact
        if self.day_offset is not None:
            return today + timedelta(self.day_offset)
        if self.day is not None:
            return self._numbered(today)
        if self.weekday is None:
            return None
        if self.weeks:
            return today + timedelta(7 * self.weeks + self.weekday - today.weekday())
        ahead = (self.weekday - today.weekday()) % 7
        if not ahead and (self.is_next or (self.at is not None and self.at <= now.time())):
            ahead = 7
        return today + timedelta(ahead + self.later_days)

    def _numbered(self, today: date) -> date | None:
        for months in range(today.month - 1, today.month + 12):
            year, month = today.year + months // 12, months % 12 + 1
            if self.month in (None, month):
                found = _date(year, month, self.day or 0)
                if found and found >= today:
                    return found
        return None

    def phrase(self) -> str:
        """Return the spoken form, such as "Friday the 27th of November at 3 p.m."."""
        words = []
        weekday = self.exact.weekday() if self.exact else self.weekday
        if weekday is not None:
            words.append(WEEKDAYS[weekday].capitalize())
        day, month = (self.exact.day, self.exact.month) if self.exact else (self.day, self.month)
        if day is not None:
            words.append(f"the {ordinal(day)}")
        if month is not None:
            words.append(f"of {MONTHS[month - 1].capitalize()}")
        if self.day_offset is not None:
            late = self.day_offset >= len(_OFFSETS)
            words.append(f"in {self.day_offset} days" if late else _OFFSETS[self.day_offset])
        if self.at:
            minutes = f":{self.at.minute:02}" if self.at.minute else ""
            half = "a.m." if self.at.hour < 12 else "p.m."
            words.append(f"at {self.at.hour % 12 or 12}{minutes} {half}")
        return " ".join(words)


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
        is_day_first: Whether "3/12" is in December; None if that is unknown, so that it counts
            as a day only where the other order makes none.
    """
    days = list(_DAY.finditer(words))
    # The numbers of days are no times.
    return When(
        **(_day_fields(days[-1], is_day_first=is_day_first) if days else {}),
        **_time_fields(_DAY.sub(" , ", words)),
    )


def parse_first(words: str) -> When | None:
    """Parse the first day in normalized words and the time right beside it; None without a day."""
    day = _DAY.search(words)
    if not day:
        return None
    before = re.search(rf"(?:{_TIME.pattern})\ on\ $", words[: day.start()], re.VERBOSE)
    after = re.match(rf",?\ ?(?:(?:at|from)\ )?(?:{_TIME.pattern})", words[day.end() :], re.VERBOSE)
    beside = before or after
    return parse_when(f"{day[0]}, {beside[0]}" if beside else day[0])


def _day_fields(found: re.Match[str], *, is_day_first: bool | None) -> dict[str, Any]:
    said = _said(found)
    if "iso" in said:
        return {"exact": _date(*map(int, said["iso"].split("-")))}
    if "first" in said:
        return _numeric_day(int(said["first"]), int(said["second"]), said.get("year"), is_day_first)
    weekday = WEEKDAYS.index(said["weekday"]) if "weekday" in said else None
    if "day" in said:
        fields: dict[str, Any] = {"weekday": weekday, "day": int(said["day"])}
        if month := said.get("month"):
            fields["month"] = MONTHS.index(month) + 1
            if year := said.get("year"):
                return {"exact": _date(int(year), fields["month"], fields["day"])}
        return fields
    days = int(said.get("count", 0)) * (7 if said.get("unit") == "week" else 1)
    if weekday is not None:
        return {
            "weekday": weekday,
            "is_next": "next" in said,
            "weeks": int("week" in said),
            "later_days": days,
        }
    return {"day_offset": _OFFSETS.index(said.get("offset", "today")) + days}


def _numeric_day(
    first: int, second: int, year: str | None, is_day_first: bool | None
) -> dict[str, Any]:
    """Return the day of "3/12"; none if it has two readings."""
    readings = {(first, second), (second, first)}
    if is_day_first is not None:
        readings = {(second, first) if is_day_first else (first, second)}
    # 2000 is a leap year.
    found = [one for one in readings if _date(2000, *one)]
    if len(found) != 1:
        return {}
    month, day = found[0]
    return {"exact": _date(int(year), month, day)} if year else {"month": month, "day": day}


def _time_fields(words: str) -> dict[str, Any]:
    limits = list(_LIMIT.finditer(words))
    words = _LIMIT.sub(" , ", words)
    parts = _PART.findall(words)
    part = parts[-1] if parts else None
    times = list(_TIME.finditer(words))
    if not times:
        if limits and part is None:
            said = _said(limits[0])
            hour = _hour_of_day(said["hour"], said.get("half"), None)
            part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
        return {"part": part}
    said = _said(times[-1])
    minutes = 60 * _hour_of_day(said["hour"], said.get("half"), part)
    minutes += int(said.get("minute", "0").replace(" ", ""))
    minutes += int(said.get("minutes", 0)) * (-1 if said.get("relation") == "to" else 1)
    if said.get("half") == "a":
        part = "morning"
    return {"at": time(minutes // 60 % 24, minutes % 60), "part": part}


def _hour_of_day(written: str, half: str | None, part: str | None) -> int:
    hour = int(written)
    if hour > 12:
        return hour
    if half or part:
        return hour % 12 + (0 if half == "a" or (not half and part == "morning") else 12)
    # A desk is open in the afternoon; "04:00" is a time of 24 hours.
    return hour + 12 if 1 <= hour <= 6 and not written.startswith("0") else hour


def _said(found: re.Match[str]) -> dict[str, str]:
    """Return the groups of a match without the numbers of their names."""
    groups = found.groupdict().items()
    return {name.rstrip("0123456789"): text for name, text in groups if text is not None}


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
