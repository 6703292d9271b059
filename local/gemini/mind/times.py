"""Days and hours in English: parses and speaks them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_SMALL = re.findall(
    r"\w+",
    """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen""",
)
NUMBERS = {word: value for value, word in enumerate(_SMALL)} | {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
}
_ORDINALS = {
    word: value
    for value, word in enumerate(
        re.findall(
            r"\w+",
            """first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth
            thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
            twentieth""",
        ),
        start=1,
    )
} | {"thirtieth": 30}
# Words that the recognizer writes for an hour after "at".
_SOUNDS_LIKE = {"for": "four", "to": "two", "too": "two", "ate": "eight", "tree": "three"}
# Words that it writes for an hour before "in the morning" and similar phrases.
_SOUNDS_LIKE_IN_PLACE = {
    **_SOUNDS_LIKE,
    "him": "ten",
    "to me": "ten",
    "mine": "nine",
    "you": "two",
    "floor": "four",
}

_HOUR = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d{1,2})"
_MINUTE = (
    r"(?:(?:twenty|thirty|forty|fifty)(?: (?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|ten|fifteen|oh five)"
)
_HALF = r"(?P<half>[ap])\.?\s?m\b\.?"
_DAY_HEARD = re.compile(r"\b(?P<next>next )?(?P<day>" + "|".join(WEEKDAYS) + r")s?\b")
_RELATIVE = re.compile(r"\b(?P<after>the day after )?(?P<word>today|tonight|tomorrow)\b")
_ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_MONTH = "(?P<month>" + "|".join(MONTHS) + ")"
_YEAR = r"(?:,? (?P<year>(?:19|20|21)\d\d)\b)?"
_MONTH_DAY = (
    re.compile(rf"\b(?P<number>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}\b{_YEAR}"),
    re.compile(rf"\b{_MONTH},? (?:the )?(?P<number>\d{{1,2}})(?:st|nd|rd|th)?\b{_YEAR}"),
)
_NUMBERED_DAY = re.compile(r"\bthe (?P<number>\d{1,2})(?:st|nd|rd|th)\b")
_TIME_PATTERNS = (
    re.compile(rf"\b(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?::\d\d)?\s?(?:{_HALF})?"),
    re.compile(rf"\b(?P<hour>{_HOUR})(?: (?P<minute>{_MINUTE}))?\s?{_HALF}"),
    re.compile(rf"\b(?P<relation>half past|quarter past|quarter to) (?P<hour>{_HOUR})\b"),
    re.compile(
        rf"\b(?:at|about|around|from) (?P<hour>{_HOUR})(?: (?P<minute>{_MINUTE}))?\b"
        r"(?!\s*(?:st|nd|rd|th|of)\b)"
    ),
    re.compile(rf"\b(?P<hour>{_HOUR})(?: (?P<minute>{_MINUTE}))? (?:o'?clock|in the)\b"),
)


@dataclass(frozen=True, slots=True)
class When:
    """A day and an hour as the user names them; each part may be missing.

    Attributes:
        weekday: The weekday; 0 is Monday.
        next_week: Whether the user says "next".
        day_offset: The days from today, for "tomorrow" and similar words.
        month: The month, 1 to 12.
        day: The day of the month.
        exact: A full date.
        at: The time of day in 24 hours.
        part: morning, afternoon or evening.
    """

    weekday: int | None = None
    next_week: bool = False
    day_offset: int | None = None
    month: int | None = None
    day: int | None = None
    exact: date | None = None
    at: time | None = None
    part: str | None = None

    @property
    def has_day(self) -> bool:
        return any(
            value is not None for value in (self.weekday, self.day_offset, self.day, self.exact)
        )

    def on(self, now: datetime) -> date | None:
        """Return the next such day from ``now``; today only if its hour is still to come.

        Returns:
            None if no day was named or the calendar has no such day.
        """
        today = now.date()
        if self.exact:
            return self.exact
        if self.day_offset is not None:
            return today + timedelta(days=self.day_offset)
        if self.day is not None:
            return self._numbered(today)
        if self.weekday is None:
            return None
        ahead = (self.weekday - today.weekday()) % 7
        if ahead == 0 and (self.next_week or self.at is None or self.at <= now.time()):
            ahead = 7
        return today + timedelta(days=ahead)

    def _numbered(self, today: date) -> date | None:
        for months_ahead in range(13):
            months = today.month - 1 + months_ahead
            year, month = today.year + months // 12, months % 12 + 1
            if self.month not in (None, month):
                continue
            try:
                found = date(year, month, self.day or 1)
            except ValueError:
                continue
            if found >= today:
                return found
        return None


def words_of(text: str) -> str:
    """Normalize a text to lower case, straight apostrophes and single spaces."""
    return re.sub(r"\s+", " ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).strip()


def parse_when(text: str) -> When:
    """Parse the day and hour in ``text``; of several, the last."""
    words = _hours_misheard(_ordinals_as_numbers(words_of(text)))
    fields: dict[str, object] = {}
    if found := _last(_ISO_DATE, words):
        try:
            fields["exact"] = date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            return When()
    words = _ISO_DATE.sub(" ", words).replace(" t", " ") if found else words
    if relative := _last(_RELATIVE, words):
        fields["day_offset"] = (relative["word"] == "tomorrow") + bool(relative["after"])
    if weekday := _last(_DAY_HEARD, words):
        fields["weekday"] = WEEKDAYS.index(weekday["day"])
        fields["next_week"] = bool(weekday["next"])
    if numbered := next(
        (one for p in (*_MONTH_DAY, _NUMBERED_DAY) if (one := _last(p, words))), None
    ):
        fields["day"] = int(numbered["number"])
        if month := numbered.groupdict().get("month"):
            fields["month"] = MONTHS.index(month) + 1
            if year := numbered["year"]:
                try:
                    fields["exact"] = date(
                        int(year), MONTHS.index(month) + 1, int(numbered["number"])
                    )
                except ValueError:
                    return When()
    part = re.search(r"\b(morning|afternoon|evening|tonight)\b", words)
    if part:
        fields["part"] = "evening" if part[1] == "tonight" else part[1]
    at = _parse_time(words, part[1] if part else None)
    return When(at=at, **fields)  # type: ignore[arg-type]


def ordinal(number: int) -> str:
    """Return a number such as "27th"."""
    teens = 10 <= number % 100 <= 20
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def speak_date(day: date) -> str:
    """Return a date such as "Friday the 27th of November"."""
    return (
        f"{WEEKDAYS[day.weekday()].capitalize()} the {ordinal(day.day)} of "
        f"{MONTHS[day.month - 1].capitalize()}"
    )


def speak_time(at: time) -> str:
    """Return a time such as "3 p.m." or "3:30 p.m."."""
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes} {'a.m.' if at.hour < 12 else 'p.m.'}"


def humanise(text: str) -> str:
    """Replace ISO dates and 24-hour times in ``text`` by their spoken form."""

    def both(found: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(found[1])
            at = time(int(found[2]), int(found[3]))
        except ValueError:
            return found[0]
        return f"{speak_date(day)} at {speak_time(at)}"

    def day_only(found: re.Match[str]) -> str:
        try:
            return speak_date(date.fromisoformat(found[0]))
        except ValueError:
            return found[0]

    def time_only(found: re.Match[str]) -> str:
        try:
            return speak_time(time(int(found[1]), int(found[2])))
        except ValueError:
            return found[0]

    text = re.sub(
        r"\b(\d{4}-\d\d-\d\d)T(\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?", both, text
    )
    named = rf"(?:(?:{'|'.join(WEEKDAYS)}),? )?\d{{4}}-\d\d-\d\d\b"
    text = re.sub(
        named, lambda found: day_only(re.search(_ISO_DATE, found[0]) or found), text, flags=re.I
    )
    return re.sub(r"\b(\d{1,2}):(\d\d)(?::\d\d)?\b(?!\s?[ap]\.?m)", time_only, text)


_MONTHS = f"(?:{'|'.join(MONTHS)})"
_NUMBER = r"(?:the )?\d{1,2}(?:st|nd|rd|th)?"
_DAY_OF_MONTH = rf"(?:{_NUMBER}(?: of)? {_MONTHS}|{_MONTHS} {_NUMBER})(?:,? \d{{4}})?"
_SPOKEN_DAY = rf"(?:(?:{'|'.join(WEEKDAYS)})(?:,? {_DAY_OF_MONTH})?|{_DAY_OF_MONTH}|today|tomorrow)"
_SPOKEN_TIME = (
    rf"(?:(?:{_HOUR})(?:[:.]\d\d)?(?: {_MINUTE})?(?:\s?[ap]\.?m\b\.?| o'?clock)?"
    r"(?: in the (?:morning|afternoon|evening))?)"
)
_SPOKEN_WHEN = re.compile(
    rf"(?P<day>{_SPOKEN_DAY})(?:,? (?:at|from) (?P<time>{_SPOKEN_TIME}))?"
    rf"|(?P<time_first>{_SPOKEN_TIME}) on (?P<day_after>{_SPOKEN_DAY})",
    re.IGNORECASE,
)


def find_when(text: str) -> str | None:
    """Return the first day with its hour, if any, such as "Friday the 27th at 3 p.m."."""
    found = _SPOKEN_WHEN.search(humanise(text))
    if not found:
        return None
    day = found["day"] or found["day_after"]
    at = found["time"] or found["time_first"]
    return f"{day} at {at}" if at else day


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = None
    for found in pattern.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    return found


def _ordinals_as_numbers(words: str) -> str:
    def number(found: re.Match[str]) -> str:
        tens = {"twenty": 20, "thirty": 30}.get(found[1] or "", 0)
        return f"{tens + _ORDINALS[found[2]]}th"

    pattern = r"\b(?:(twenty|thirty)[ -])?(" + "|".join(_ORDINALS) + r")\b"
    return re.sub(pattern, number, words)


def _hours_misheard(words: str) -> str:
    words = re.sub(
        rf"\b(?:at|and) ({'|'.join(_SOUNDS_LIKE_IN_PLACE)}) (?=in the (?:morn|after|even))",
        lambda found: f"at {_SOUNDS_LIKE_IN_PLACE[found[1]]} ",
        words,
    )
    return re.sub(
        rf"\bat ({'|'.join(_SOUNDS_LIKE)})\b",
        lambda found: f"at {_SOUNDS_LIKE[found[1]]}",
        words,
    )


def _number(words: str) -> int:
    if words.isdigit():
        return int(words)
    return sum(NUMBERS.get(word, 0) for word in words.split())


def _parse_time(words: str, part: str | None) -> time | None:
    if re.search(r"\b(?:noon|midday)\b", words):
        return time(12)
    found = next((one for pattern in _TIME_PATTERNS if (one := _last(pattern, words))), None)
    if found is None:
        return None
    groups = found.groupdict()
    hour, minute = _number(groups["hour"]), _number(groups.get("minute") or "0")
    relation = groups.get("relation")
    if relation:
        hour, minute = {
            "half past": (hour, 30),
            "quarter past": (hour, 15),
            "quarter to": (hour - 1, 45),
        }[relation]
    hour = _half_of_day(hour, groups.get("half"), part, written=":" in found[0])
    return time(hour, minute) if 0 <= hour < 24 and 0 <= minute < 60 else None


def _half_of_day(hour: int, half: str | None, part: str | None, *, written: bool) -> int:
    if hour > 12:
        return hour
    if half:
        return hour % 12 + (12 if half == "p" else 0)
    if part == "morning":
        return hour % 12 if hour != 12 else 0
    if part:
        return hour % 12 + 12
    # Without a named half, choose the half in which a desk is open; "09:00" is explicit.
    return hour + 12 if 1 <= hour <= 6 and not written else hour
