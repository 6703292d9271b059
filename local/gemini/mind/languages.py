"""The languages of the simulator: their small talk, days, times and numbers.

Each language is a file in ``local/gemini/languages/``, named by its code, such as ``es.yaml``. The
comments in ``en.yaml`` describe the fields.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date, time
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from local.gemini.mind.data_files import DataFile, DataFileError, Pattern, fold, read_documents
from local.gemini.mind.numbers import NumberWords
from local.gemini.mind.phrases import Phrases, Utterance, compile_phrase, read_utterance
from local.gemini.mind.times import (
    MONTHS,
    WEEKDAYS,
    When,
    month_names,
    ordinal,
    parse_when,
    weekday_names,
    words_of,
)

FOLDER = Path(__file__).resolve().parents[1] / "languages"
DEFAULT = "en"

type _Words = Annotated[frozenset[str], BeforeValidator(lambda text: fold(text).split())]


class Language(DataFile):
    """One language."""

    tag: str
    letters: str = ""
    marks: Phrases = ()
    groups: dict[str, str] = Field(default_factory=dict)
    short_forms: dict[str, str] = Field(default_factory=dict)
    fillers: _Words = frozenset()
    not_names: _Words = frozenset()
    language_names: dict[str, str] = Field(default_factory=dict)
    heard: dict[str, Phrases]
    styles: dict[str, Phrases] = Field(default_factory=dict)
    says: dict[str, str]
    joins: str
    day: str
    slot: str
    half_days: tuple[str, ...] = ()
    numbers: NumberWords = NumberWords()
    is_day_first: bool | None = None
    reads_as: tuple[tuple[Pattern, str], ...] = ()
    _patterns: dict[str, re.Pattern[str]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _has_only_phrases(self) -> Self:
        for phrases in (self.marks, *self.heard.values(), *self.styles.values()):
            self.check(phrases)
        return self

    def check(self, phrases: Phrases) -> None:
        """Check that texts are phrases.

        Raises:
            ValueError: A text is not a phrase.
        """
        for phrase in phrases:
            self.pattern(phrase)

    def pattern(self, phrase: str) -> re.Pattern[str]:
        """Return the regular expression of a phrase."""
        if phrase not in self._patterns:
            groups = self.groups | {"language": "|".join(self.language_names)}
            self._patterns[phrase] = compile_phrase(phrase, groups)
        return self._patterns[phrase]

    def read(self, text: str) -> Utterance:
        """Return the plain words of a text."""
        return read_utterance(text, self.short_forms, self.fillers)

    def find(self, phrases: Phrases, heard: Utterance) -> Iterator[re.Match[str]]:
        """Find phrases in an utterance, except after a denial such as "I do not want to"."""
        for phrase in phrases:
            for found in self.pattern(phrase).finditer(heard.plain):
                before = re.split(r"(?<!\S)(?:[.,]|but) ", heard.plain[: found.start()])[-1]
                if not any(denial.search(before) for denial in self._denials):
                    yield found

    @cached_property
    def _denials(self) -> list[re.Pattern[str]]:
        return [re.compile(rf"{self.pattern(one).pattern}\Z") for one in self.heard["denied"]]

    def hears(self, kind: str, text: str) -> bool:
        """Return whether a text has a phrase of a kind of ``heard``."""
        return any(self.find(self.heard.get(kind, ()), self.read(text)))

    def is_shown_by(self, text: str) -> bool:
        """Return whether the letters or words of a text show that it is in this language."""
        if self.letters and re.search(f"[{self.letters}]", text.lower()):
            return True
        plain = self.read(text).plain
        return any(self.pattern(phrase).search(plain) for phrase in self.marks)

    def say(self, kind: str, name: str | None = None, instruction: str = "", **values: str) -> str:
        """Return a sentence to the user.

        Args:
            kind: A name of ``says``.
            name: The user's name; without one, the part in square brackets is left out.
            instruction: The model's instruction, which may name its abilities.
            values: The values of other fields.
        """
        found = re.search(r"\babout (.+?)(?:, and to note|; never guess)", instruction)
        is_own = found and requested_language(instruction) == self.tag.partition("-")[0]
        abilities = found[1] if found and is_own else self.says["abilities"]
        template = re.sub(r"\[(.*?)\]", r"\1" if name else "", self.says[kind])
        return template.format(name=name, abilities=abilities, **values)

    def find_preferences(self, text: str, voices: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Find the language, the voice or the manner of speaking that a text asks for.

        Args:
            text: The user's words.
            voices: The names of the voices; the last one is "another voice".
        """
        heard, tags = self.read(text), {fold(n): tag for n, tag in self.language_names.items()}
        spoken = [tags[one[1].strip()] for one in self.find(self.heard.get("language", ()), heard)]
        manners = [one for one, phrases in self.styles.items() if any(self.find(phrases, heard))]
        manners += [one[1].strip() for one in self.find(self.heard.get("style", ()), heard)]
        if spoken:
            yield "language", spoken[0]
        elif self.hears("voice", text):
            named = [one for one in voices if one and f" {fold(one)} " in heard.plain]
            yield "voice", (named or voices)[-1]
        elif manners:
            yield "style", manners[0]

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
                # ``\b`` does not treat the vowel signs of Hindi as letters.
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
    read = {path.stem: read_documents(path, Language)[0] for path in paths}
    for code, one in read.items():
        if different := one.says.keys() ^ read[DEFAULT].says.keys():
            raise DataFileError(f"{FOLDER / code}.yaml: says.{min(different)} differs from en.yaml")
    return read


def language_of(text: str) -> str | None:
    """Return the code of a text's language, None if no words show it."""
    return next((code for code, one in languages().items() if one.is_shown_by(text)), None)


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


def say(language: str | None, kind: str) -> str:
    """Return a sentence in a language, the default one for None."""
    return languages()[language or DEFAULT].say(kind)


def hears(kind: str, text: str) -> bool:
    """Return whether a text has a phrase of a kind of ``heard``, in any language."""
    return any(one.hears(kind, text) for one in languages().values())


def is_offer_of_help(text: str) -> bool:
    """Return whether a text ends with the question of a greeting, in any language."""
    offers = (one.says["hello"].rpartition(", ")[2].lower() for one in languages().values())
    return text.lower().endswith(tuple(offers))
