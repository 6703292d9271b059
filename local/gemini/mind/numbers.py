"""The number words of a language: writes them as digits, and reads numbers."""

import re

from pydantic import Field

from local.gemini.mind.data_files import DataFile, fold
from local.gemini.mind.times import ordinal

_MAX_DIGITS = 18


class NumberWords(DataFile):
    """The number words of one language.

    Attributes:
        words: Words for 0 to 100 and 1000, and for several hundreds, with their numbers.
        ordinals: Words such as "third", with their numbers.
        link: The word between tens and ones; "" for a space or a hyphen.
        hundreds_link: The word that may follow a hundred or a thousand.
    """

    words: dict[str, int] = Field(default_factory=dict)
    ordinals: dict[str, int] = Field(default_factory=dict)
    link: str = ""
    hundreds_link: str = ""

    def as_digits(self, text: str) -> str:
        """Replace the number words of a folded text by digits, "third" by "3rd"."""
        if not self.words:
            return text
        values = {fold(word): value for word, value in self.words.items()}
        ordinals = {fold(word): value for word, value in self.ordinals.items()}
        link = f" {self.link} " if self.link else "[ -]"
        tens = "|".join(word for word, value in values.items() if value in range(20, 100, 10))
        ones = "|".join(word for word, value in values.items() if value in range(1, 10))
        if ordinals:
            text = re.sub(
                rf"\b(?:({tens}){link})?({'|'.join(ordinals)})\b",
                lambda found: ordinal(values.get(found[1], 0) + ordinals[found[2]]),
                text,
            )
        text = re.sub(
            rf"\b({tens}){link}({ones})\b",
            lambda found: str(values[found[1]] + values[found[2]]),
            text,
        )
        text = re.sub(rf"\b(?:{'|'.join(values)})\b", lambda found: str(values[found[0]]), text)
        link = f"(?: {self.hundreds_link})?" if self.hundreds_link else ""
        # "Two hundred and five" is "2 100 and 5" here.
        for head, zeros, rest in (
            (r"(?!1000\b)[1-9]\d?", "00", r"\d{1,2}"),
            (r"[1-9]\d{0,2}", "000", r"\d{1,3}"),
        ):
            text = re.sub(rf"\b({head}) 1{zeros}\b", rf"\g<1>{zeros}", text)
            text = re.sub(
                rf"\b({head}{zeros}){link} ({rest})\b",
                lambda found: str(int(found[1]) + int(found[2])),
                text,
            )
        return text

    def last_in(self, text: str) -> int | None:
        """Return the last number in a folded text; digits that are said one by one are one number.

        Returns:
            None if there is no number, or if it is too long to be meant.
        """
        text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", self.as_digits(text))
        found = re.findall(r"\d+(?:(?:-|,? )\d+)*", text)
        digits = re.sub(r"\D", "", found[-1]) if found else ""
        return int(digits) if 0 < len(digits) <= _MAX_DIGITS else None
