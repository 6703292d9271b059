"""A persona as the session core uses it, without the validation of its file."""

from dataclasses import dataclass

from repartee.domain.phrases import Phrases


@dataclass(frozen=True, slots=True)
class LivePersona:
    """A persona in a session.

    Attributes:
        name: The name of its file.
        instructions: The first part of the system instruction.
        languages: BCP 47 tags that users may choose, see ``LiveModelProfile.speaking``.
        phrases: The texts that code says or shows.
    """

    name: str
    instructions: str
    languages: tuple[str, ...]
    phrases: Phrases
