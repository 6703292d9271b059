"""A persona: the business that the agent speaks for, its manner, languages and phrases."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from repartee.domain.errors import ReparteeError
from repartee.domain.front_desk.rules import OpeningHours, Weekday, check_nights, split_hours
from repartee.domain.live.model_profiles import (
    ANY_LANGUAGE,
    FALLBACK_PROFILE,
    LiveModelProfile,
)
from repartee.domain.phrases import Phrases
from repartee.domain.text.characters import checked_text


class PersonaRefused(ReparteeError):
    """A persona is missing or invalid; the message names the file, each field and its fault."""


@dataclass(frozen=True, slots=True)
class _OneLine:
    """Accepts a text of one line, without the white space at its ends."""

    max_characters: int

    def __call__(self, text: str) -> str:
        line = checked_text(text.strip())
        if len(line.splitlines()) > 1 or "\t" in line:
            raise ValueError("it has a line break or a tab: write it as one line")
        if len(line) > self.max_characters:
            raise ValueError(
                f"it has {len(line)} characters, and {self.max_characters} are allowed: shorten it"
            )
        return line


def _listed(text: str) -> str:
    tag = text.strip()
    listed = FALLBACK_PROFILE.listed_tag(tag)
    if tag == ANY_LANGUAGE or listed is not None:
        return listed or tag
    language = tag.replace("_", "-").partition("-")[0].lower()
    known = FALLBACK_PROFILE.languages.get(language, tuple(FALLBACK_PROFILE.languages))
    raise ValueError(
        f'"{tag[:20]}" is not a language of the live models; choose one of {", ".join(known)}'
    )


def _distinct(tags: tuple[str, ...]) -> tuple[str, ...]:
    if not tags:
        raise ValueError("the list is empty: write at least one tag, such as en-US")
    if tags[0] == ANY_LANGUAGE or ANY_LANGUAGE in tags[:-1]:
        raise ValueError(f'"{ANY_LANGUAGE}" may only be last, after at least one language')
    if twice := {tag for tag in tags if tags.count(tag) > 1}:
        raise ValueError(f"{', '.join(sorted(twice))} is listed twice: remove one")
    return tags


def _opening(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return split_hours(value)
    except ValueError as error:
        raise ValueError(f"{error}; omit a closed day") from None


def _week(week: dict[Weekday, OpeningHours]) -> dict[Weekday, OpeningHours]:
    if not week:
        raise ValueError("it has no day: write one, or omit the field for Monday to Friday, 9 to 5")
    check_nights(week)
    return week


type _Name = Annotated[str, AfterValidator(_OneLine(60))]
type _Line = Annotated[str, AfterValidator(_OneLine(300))]
type _Instruction = Annotated[str, AfterValidator(_OneLine(1_000))]
type _Tag = Annotated[str, AfterValidator(_listed)]
type _Hours = Annotated[OpeningHours, BeforeValidator(_opening)]


@dataclass(frozen=True, slots=True)
class Words:
    """The words for what the business offers, in the persona's first language.

    Attributes:
        place: The business or its room, with its article, such as "the front desk".
        booking: One booking, such as "appointment".
        bookings: Several of them.
    """

    place: _Name
    booking: _Name
    bookings: _Name


class Persona(BaseModel):
    """A persona, as its YAML file describes it. All texts have one line.

    Attributes:
        business: The name of the business.
        role: The agent's role, in one or two sentences to the model, in any language.
        manner: The agent's way of speaking, in the same form.
        languages: BCP 47 tags. The first is the language of users without a preference. Users may
            choose the others, and every language of the live model if ``"*"`` is last.
        greeting: The words that the agent says first, if it speaks first.
        speaks_first: Whether the agent greets before the user has spoken.
        words: The words for what the business offers.
        abilities: The subjects that the live model must ask core_agent about, as part of a
            sentence.
        hours: Opening hours by weekday, for a desk without stored rules. None: Monday to Friday,
            9 to 5.
        phrases: The texts that code says or shows.
    """

    model_config = ConfigDict(frozen=True)

    business: _Name
    role: _Instruction
    manner: _Instruction
    languages: Annotated[tuple[_Tag, ...], AfterValidator(_distinct)]
    greeting: _Line
    speaks_first: bool = False
    words: Words
    abilities: _Line
    hours: Annotated[dict[Weekday, _Hours], AfterValidator(_week)] | None = None
    phrases: Phrases[_Line]

    @property
    def language(self) -> str:
        """Return the language of users without a preference, as a BCP 47 tag."""
        return self.languages[0]

    def narrowed(self, model: LiveModelProfile) -> LiveModelProfile:
        """Return the profile of a live model with the languages that users may choose.

        Raises:
            PersonaRefused: The live model does not speak all languages of the persona.
        """
        try:
            return model.speaking(self.languages)
        except ValueError as error:
            raise PersonaRefused(f"{self.business}: languages: {error}") from None

    def default_language(self, model: LiveModelProfile, wanted: str) -> str:
        """Return the language of users without a preference, as a BCP 47 tag.

        Args:
            model: The profile of the live model.
            wanted: The operator's choice, "" for the persona's first language.

        Raises:
            PersonaRefused: The persona does not allow the operator's choice.
        """
        narrowed = self.narrowed(model)
        listed = narrowed.listed_tag(wanted or self.language)
        if listed is None:
            tags = [tag for listed_tags in narrowed.languages.values() for tag in listed_tags]
            raise PersonaRefused(
                f"{self.business}: languages: {wanted}, the value of the parameter Language, is "
                f"not listed: add it, or choose one of {', '.join(tags)}"
            )
        return listed
