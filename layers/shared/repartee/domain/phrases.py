"""The phrases of a persona: the texts that code says or shows to the user."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Phrases[Text = str]:
    """One or two sentences for each case, in the persona's first language.

    In the session core, a phrase is a ``str``. ``Persona`` sets ``Text`` to a type that pydantic
    validates.

    Attributes:
        no_answer: No answer was found in time; the user may ask again.
        busy: The live model has no capacity, and the worker tries again.
        not_now: A service that the answer needs does not respond; a later try may succeed.
        not_understood: The model did not answer the user's words; the user may say them again.
        too_long: The request is longer than the limit.
        refused: The request cannot be met.
        continues_elsewhere: The request was dropped, because the session has moved on.
        preferences_refused: The user's stored language, voice or style cannot be used, and
            defaults apply.
        goodbye: A daily limit of the user is reached, and the call ends.
        closed_for_now: The service takes no calls for now, for a reason that is not the user's.
            "" stands for ``not_now``, because older personas do not have this phrase.
    """

    no_answer: Text
    busy: Text
    not_now: Text
    not_understood: Text
    too_long: Text
    refused: Text
    continues_elsewhere: Text
    preferences_refused: Text
    goodbye: Text
    closed_for_now: Text | Literal[""] = ""

    @property
    def service_goodbye(self) -> Text:
        """Return the words that end a call for a reason that is not the user's."""
        return self.closed_for_now or self.not_now
