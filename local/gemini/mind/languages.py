"""The languages of the simulator: what it hears and says in generic talk, days and numbers.

Each language is a file in ``local/gemini/languages/``, named by its code, such as ``es.yaml``.
"""

import re
from datetime import date, time
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from local.gemini.mind.data_files import DataFile, Pattern, fold, read_documents
from local.gemini.mind.times import MONTHS, WEEKDAYS, When, ordinal, parse_when, words_of

FOLDER = Path(__file__).resolve().parents[1] / "languages"
DEFAULT = "en"
_MAX_DIGITS = 18

type _Patterns = tuple[Pattern, ...]
type _Names = Annotated[tuple[str, ...], Field(min_length=7, max_length=12)]


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
        weekdays: Monday to Sunday.
        months: January to December.
        day: How a day is said, with ``{weekday}``, ``{day}``, ``{ordinal}``, ``{month}``.
        slot: How a day with a time is said, with ``{day}`` and ``{time}``.
        half_days: The words for the halves of the day; empty for a clock of 24 hours.
        numbers: Number words.
        number_link: The word between tens and ones.
        hundreds_link: The word that may follow a hundred or a thousand.
        reads_as: Replacements, in order, that turn days and times into English. Before them,
            number words become digits, and weekdays and months become English.
    """

    tag: str
    marks: Pattern | None = None
    heard: Heard
    says: Says
    joins: str
    weekdays: _Names
    months: _Names
    day: str
    slot: str
    half_days: tuple[str, ...] = ()
    numbers: dict[str, int] = Field(default_factory=dict)
    number_link: str = ""
    hundreds_link: str = ""
    reads_as: tuple[tuple[Pattern, str], ...] = ()

    def read_when(self, text: str) -> When:
        """Read the day and the time in a text."""
        words = fold(words_of(text))
        if self.reads_as:
            words = self._with_digits(words)
        for names, english in ((self.weekdays, WEEKDAYS), (self.months, MONTHS)):
            for name, replacement in zip(names, english, strict=True):
                words = re.sub(rf"\b{fold(name)}\b", replacement, words)
        for pattern, replacement in self.reads_as:
            words = pattern.sub(replacement, words)
        return parse_when(words)

    def read_number(self, text: str) -> int | None:
        """Return the last number in a text; digits that are said one by one are one number.

        It is None for a number that is too long to be meant.
        """
        found = re.findall(r"\d+(?:[ -]\d+)*", self._with_digits(fold(words_of(text))))
        digits = re.sub(r"\D", "", found[-1]) if found else ""
        return int(digits) if 0 < len(digits) <= _MAX_DIGITS else None

    def say_slot(self, day: date | None, at: time | None) -> str:
        """Return the spoken form of a day, a time, or both."""
        spoken = {
            "day": self._say_day(day) if day else "",
            "time": self._say_time(at) if at else "",
        }
        return self.slot.format(**spoken) if day and at else "".join(spoken.values())

    def _say_day(self, day: date) -> str:
        names = {"weekday": self.weekdays[day.weekday()], "month": self.months[day.month - 1]}
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

    def _with_digits(self, words: str) -> str:
        """Replace number words by digits."""
        if not self.numbers:
            return words
        values = {fold(word): value for word, value in self.numbers.items()}
        link = rf" {self.number_link} " if self.number_link else "[ -]"
        tens = "|".join(word for word, value in values.items() if value in range(20, 100, 10))
        ones = "|".join(word for word, value in values.items() if value in range(1, 10))
        words = re.sub(
            rf"\b({tens}){link}({ones})\b",
            lambda found: str(values[found[1]] + values[found[2]]),
            words,
        )
        words = re.sub(rf"\b(?:{'|'.join(values)})\b", lambda found: str(values[found[0]]), words)
        link = f"(?: {self.hundreds_link})?" if self.hundreds_link else ""
        # "Two hundred and five" is "2 100 and 5" here.
        for head, zeros, rest in (
            (r"(?!1000\b)[1-9]\d?", "00", r"\d{1,2}"),
            (r"[1-9]\d{0,2}", "000", r"\d{1,3}"),
        ):
            words = re.sub(rf"\b({head}) 1{zeros}\b", rf"\g<1>{zeros}", words)
            words = re.sub(
                rf"\b({head}{zeros}){link} ({rest})\b",
                lambda found: str(int(found[1]) + int(found[2])),
                words,
            )
        return words


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
