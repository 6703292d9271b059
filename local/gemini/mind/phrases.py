"""Phrases, with which the data files describe a user's words, and utterances to search for them."""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

from pydantic import BeforeValidator

from local.gemini.mind.data_files import fold

ONE_OR_MORE = BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
type Phrases = Annotated[tuple[str, ...], ONE_OR_MORE]
MAX_WORDS = 300
_GAP_WORDS = 8
# Each gap multiplies the time of a search.
_MAX_GAPS = 2
_OF_EXPRESSIONS = frozenset("\\[]{}+?^$")
_QUOTES = "\"'“”\N{LEFT SINGLE QUOTATION MARK}«»()[]¿¡*"
_ENDS = ".!?…।"
_PAUSES = ",;:—\N{EN DASH}"
_ABBREVIATION = re.compile(r"(?:dr|mr|mrs|ms|st|[a-z]\.[a-z])\.", re.IGNORECASE)
_ANY_WORD = r"[^\s.,]\S*"


@dataclass(frozen=True, slots=True)
class Utterance:
    """The plain words of a text.

    Attributes:
        text: The text.
        plain: Its words in lower case without accents, with a space after each. The words "." and
            "," stand for the beginning, the ends and the parts of its sentences.
        places: For each word its start in ``plain``, and its start and end in ``text``.
    """

    text: str
    plain: str
    places: Sequence[tuple[int, int, int]]

    def captured(self, found: re.Match[str]) -> str:
        """Return the part of the text that the brackets of a phrase hold."""
        first, last = (
            bisect_right(self.places, at, key=lambda place: place[0]) - 1
            for at in (found.start(1), found.end(1) - 1)
        )
        return self.text[self.places[first][1] : self.places[last][2]]


def read_utterance(text: str, short_forms: Mapping[str, str], fillers: frozenset[str]) -> Utterance:
    """Split a text into plain words.

    Args:
        text: The text; only its first ``MAX_WORDS`` words are read.
        short_forms: The long forms of words such as "can't", and of endings such as "-n't".
        fillers: Words without a meaning, which are left out.
    """
    words = [(".", 0, 0)]
    plain = fold(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for chunk in islice(re.finditer(r"\S+", plain), MAX_WORDS):
        bare = chunk[0].strip(_QUOTES)
        word = bare.strip(_QUOTES + _ENDS + _PAUSES + "-")
        start = chunk.start() + chunk[0].find(word)
        # Its full stop ends no sentence.
        is_short = _ABBREVIATION.fullmatch(bare.rstrip(_PAUSES)) is not None
        if word and word not in fillers:
            longer = _long_form(word, short_forms)
            end = start + len(word) + is_short
            words += [(one, start, end) for one in longer.split()]
        if bare.endswith(tuple(_ENDS)) and not is_short:
            words.append((".", start, start))
        elif bare.endswith(tuple(_PAUSES)) or not word:
            words.append((",", start, start))
    words.append((".", len(text), len(text)))
    places, at = [], 0
    for word, start, end in words:
        places.append((at, start, end))
        at += len(word) + 1
    return Utterance(text, "".join(f"{word} " for word, _, _ in words), places)


def sentences_of(text: str) -> list[str]:
    """Split a text into sentences; a full stop before a lower-case letter does not end one."""
    pieces = re.split(r'(?<=[.!?"])\s+(?![a-z])|\n+', text)
    return [piece.strip() for piece in pieces if piece.strip()]


def compile_phrase(phrase: str, groups: Mapping[str, str]) -> re.Pattern[str]:
    """Return the regular expression of a phrase, as in ``local/gemini/tools/README.md``.

    Args:
        phrase: The phrase.
        groups: The words for which a name such as <day> stands.

    Raises:
        ValueError: The text is not a phrase.
    """
    if _OF_EXPRESSIONS & set(phrase) or phrase.count("...") > _MAX_GAPS:
        forms = "words, a|b, a|, a*, (...)"
        raise ValueError(f"“{phrase}” is no phrase; write {forms} and up to {_MAX_GAPS} gaps ...")
    words = fold(phrase).split()
    parts = [re.sub("[^()]+", lambda found: _part(found[0], groups), word) for word in words]
    gap = r"(?:(?!\. )\S+ )"
    lengths = {"(...)": "+?", "...)": "*?"}
    parts = [
        part.replace("...", gap + lengths.get(word, f"{{0,{_GAP_WORDS}}}?"))
        for word, part in zip(words, parts, strict=True)
    ]
    if words[-1].endswith("...)"):
        parts.append(rf"(?=(?:(?:, )?{_part(groups.get('tail', '.'), groups)})?[.] )")
    try:
        return re.compile(rf"(?<!\S){''.join(parts)}")
    except re.error as error:
        raise ValueError(f"“{phrase}” is no phrase: {error}") from error


def _part(word: str, groups: Mapping[str, str]) -> str:
    """Return the regular expression of one word of a phrase; gaps stay."""
    if word in ("...", "."):
        return word if word == "..." else "[.,] "
    for name in re.findall(r"<(\w*)>", word):
        if name not in groups:
            raise ValueError(f"<{name}> is no group of words; use one of {', '.join(groups)}")
        word = word.replace(f"<{name}>", fold(groups[name]))
    words = [
        _ANY_WORD if one == "*" else re.escape(one).replace(r"\*", r"\S*").replace("_", " ")
        for one in word.removesuffix("|").split("|")
    ]
    return f"(?:(?:, )?(?:{'|'.join(words)}) ){'?' * word.endswith('|')}"


def _long_form(word: str, short_forms: Mapping[str, str]) -> str:
    for short, long in short_forms.items():
        if word == short:
            return long
        if short[0] == "-" and word.endswith(short[1:]):
            return f"{word.removesuffix(short[1:])}{long}"
    return word
