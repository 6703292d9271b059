"""The languages of the simulator: what it hears and says in generic talk, days and numbers.

Each language is a file in ``local/gemini/languages/``, named by its code, such as ``es.yaml``.
"""

import re
from datetime import date, time
from functools import lru_cache
from pathlib import Path

from local.gemini.mind.data_files import DataFile, Pattern, fold, read_documents
from local.gemini.mind.numbers import NumberWords
from local.gemini.mind.times import (
    MONTHS,
    WEEKDAYS,
    When,
    month_names,
    ordinal,
    parse_first,
    parse_when,
    weekday_names,
    words_of,
)

FOLDER = Path(__file__).resolve().parents[1] / "languages"
DEFAULT = "en"

type _Patterns = tuple[Pattern, ...]


class Heard(DataFile):
    """Patterns of what a user says; the group of ``name_given`` is the name."""

    hello: _Patterns
    goodbye: _Patterns
    thanks: _Patterns
    name_given: _Patterns
    name_asked: _Patterns
    agreed: _Patterns


class Says(DataFile):
    """Sentences to the user; ``{name}`` stands for the user's name.

    ``no_file`` names the tools that the simulator knows and those for which it has no file.
    """

    hello: str
    hello_named: str
    moment: str
    looking: str
    all_right: str
    welcome: str
    goodbye: str
    goodbye_named: str
    name_is: str
    name_unknown: str
    not_heard: str
    not_understood: str
    no_file: str
    cannot: str
    done: str
    failed: str


class Language(DataFile):
    """One language.

    Attributes:
        tag: A BCP 47 tag, which selects the voice.
        marks: Words that show that a text is in this language; None for the default language.
        joins: The word before the last item of a list.
        day: How a day is said, with ``{weekday}``, ``{day}``, ``{ordinal}``, ``{month}``.
        slot: How a day with a time is said, with ``{day}`` and ``{time}``.
        half_days: The words for the halves of the day; empty for a clock of 24 hours.
        numbers: Number words.
        is_day_first: Whether "3/12" is in December; None if callers write both.
        reads_as: Replacements, in order, that turn days and times into the English forms that
            ``times.py`` reads. Before them, number words become digits, and weekdays and months
            become English.
    """

    tag: str
    marks: Pattern | None = None
    heard: Heard
    says: Says
    joins: str
    day: str
    slot: str
    half_days: tuple[str, ...] = ()
    numbers: NumberWords = NumberWords()
    is_day_first: bool | None = None
    reads_as: tuple[tuple[Pattern, str], ...] = ()

    def read_when(self, text: str) -> When:
        """Read the day and the time in a text; of several, the last."""
        return parse_when(self.in_english(text), is_day_first=self.is_day_first)

    def read_number(self, text: str) -> int | None:
        """Return the last number in a text, None without one."""
        return self.numbers.last_in(fold(words_of(text)))

    def in_english(self, text: str) -> str:
        """Return the words of a text with the days and times in English, and with digits."""
        words = self.numbers.as_digits(fold(words_of(text)))
        for names, english in (
            (weekday_names(self.tag), WEEKDAYS),
            (month_names(self.tag), MONTHS),
        ):
            for name, replacement in zip(names, english, strict=True):
                # Vowel signs of Hindi are no letters to ``\b``.
                words = re.sub(rf"(?<!\w){fold(name)}(?!\w)", replacement, words)
        for month in MONTHS:
            words = re.sub(rf"\b{month[:3]}t?\b\.?(?= (?:the )?\d)", month, words)
        for pattern, replacement in self.reads_as:
            words = pattern.sub(replacement, words)
        return words

    def say_slot(self, day: date | None, at: time | None) -> str:
        """Return the spoken form of a day, a time, or both."""
        spoken = {
            "day": self._say_day(day) if day else "",
            "time": self._say_time(at) if at else "",
        }
        return self.slot.format(**spoken) if day and at else "".join(spoken.values())

    def _say_day(self, day: date) -> str:
        names = {
            "weekday": weekday_names(self.tag)[day.weekday()],
            "month": month_names(self.tag)[day.month - 1],
        }
        return self.day.format(**names, day=day.day, ordinal=ordinal(day.day))

    def _say_time(self, at: time) -> str:
        if not self.half_days:
            return f"{at:%H:%M}"
        minutes = f":{at.minute:02}" if at.minute else ""
        return f"{at.hour % 12 or 12}{minutes} {self.half_days[at.hour // 12]}"

    def say_list(self, items: list[str]) -> str:
        """Join items as in "one, two and three"."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.joins} {items[-1]}"


@lru_cache(maxsize=1)
def languages() -> dict[str, Language]:
    """Return the languages by their codes; the default one is the first.

    Raises:
        DataFileError: A file is invalid.
    """
    paths = sorted(FOLDER.glob("*.yaml"), key=lambda path: (path.stem != DEFAULT, path.stem))
    return {path.stem: read_documents(path, Language)[0] for path in paths}


def language_of(text: str) -> str | None:
    """Return the code of a text's language, None if no words show it."""
    for code, language in languages().items():
        # Words are found without accents, letters such as "é" only with them.
        if language.marks and any(map(language.marks.search, (text, fold(text)))):
            return code
    return None


def requested_tag(instruction: str) -> str | None:
    """Return the tag of the language that an instruction requests, None without one."""
    found = re.search(
        r"\b(?:Speak|BCP 47 tag is|Say in) (?:\w+ \()?([a-z]{2,3}(?:-\w+)+)\b", instruction
    )
    return found[1] if found else None


def requested_language(instruction: str) -> str | None:
    """Return the code of the language that an instruction requests, None if it has no file."""
    code = (requested_tag(instruction) or "").partition("-")[0]
    return code if code in languages() else None


def only_language(instruction: str) -> str | None:
    """Return the code of the one language that an instruction allows, None if it allows more."""
    is_only = re.search(r"\bSpeak (?:\w+ )?\(?[a-z]{2,3}(?:-\w+)+\)? only\b", instruction)
    return requested_language(instruction) if is_only else None


def find_when(text: str) -> str | None:
    """Return the first day in an English text, with its time if it has one."""
    when = parse_first(languages()[DEFAULT].in_english(text))
    return when.phrase() if when else None


def says(language: str | None) -> Says:
    """Return the sentences of a language, the default one for None."""
    return languages()[language or DEFAULT].says


def hears(kind: str, text: str) -> bool:
    """Return whether a text has a pattern of a field of ``Heard``, in any language."""
    words = fold(words_of(text))
    return any(
        pattern.search(words)
        for language in languages().values()
        for pattern in getattr(language.heard, kind)
    )


def is_offer_of_help(text: str) -> bool:
    """Return whether a text ends with the question of a greeting, in any language."""
    return text.endswith(tuple(one.says.hello.split(", ")[-1] for one in languages().values()))
