"""Finds the user's name and appointment in the conversation."""

import re

from local.gemini.mind.data_files import fold
from local.gemini.mind.known import Known, Line
from local.gemini.mind.languages import find_when, languages
from local.gemini.mind.times import words_of

_NOT_NAMES = frozenset(
    re.findall(
        r"\w+",
        """a an and the not what when who where is was it unknown none looking calling trying here
        sorry that there in on to at of for with going just still also so but or if please known
        given missing empty user caller i you we they he she""",
    )
)
_NAME = r"([a-z][a-z'-]+)"
_SAID_OF_USER = re.compile(
    r"\b(?:(?:user|caller|customer|client|patient)(?:'s)? (?:full |first )?name(?:'s| is|:)"
    r"|(?:user|caller|customer|client|patient) is (?:called|named)|(?:user|caller) said (?:that )?"
    r"(?:his|her|their) name is|(?:his|her|their) name is|your name is|name:)"
    rf" ?\"?{_NAME}"
)
_GREETED_BY_NAME = re.compile(rf"\b(?:hello|hi|welcome back|welcome|goodbye),? {_NAME}\b[,.!]")
_BOOKED = re.compile(
    r"\b(?:booked|reserved|scheduled|confirmed|moved|rescheduled|appointment|booking)\b",
    re.IGNORECASE,
)
_NOT_BOOKED = re.compile(
    r"\b(?:not|no|never|cannot|can't|couldn't|unable|sorry|taken|would you|shall i|which"
    r"|free slots?|available|like|want|please|could|what)\b",
    re.IGNORECASE,
)
_CANCELLED = re.compile(r"\bcancell?ed\b|\bno (?:longer|appointments?|bookings?)\b", re.IGNORECASE)


def find_name(known: Known) -> str | None:
    """Return the user's name from the conversation or the instruction, None if unknown."""
    for line in reversed(known.lines):
        if name := _name_in(line):
            return name
    return _name_in(Line("instruction", known.instruction))


def find_appointment(known: Known) -> str | None:
    """Return the time of the user's appointment as a phrase; "" if it was cancelled."""
    lines = [Line("instruction", known.instruction), *known.lines]
    for line in reversed(lines):
        for sentence in reversed(sentences_of(line.text)):
            if _is_user_line(line, sentence) or sentence.endswith("?"):
                continue
            if _CANCELLED.search(sentence):
                return ""
            if _BOOKED.search(sentence) and not _NOT_BOOKED.search(sentence):
                after = sentence[_BOOKED.search(sentence).start() :]  # type: ignore[union-attr]
                if when := find_when(after) or find_when(sentence):
                    return when
    return None


def name_given_by_user(words: str) -> str | None:
    """Return the last name that the user gives in ``words``, None without one."""
    patterns = [one for language in languages().values() for one in language.heard.name_given]
    found = [match for pattern in patterns for match in pattern.finditer(fold(words))]
    for match in sorted(found, key=lambda match: match.start(), reverse=True):
        name = words[match.start(1) : match.end(1)]
        if name not in _NOT_NAMES:
            return _capital(name)
    return None


def sentences_of(text: str) -> list[str]:
    """Split a text into sentences; the full stops of "p.m." do not end one."""
    pieces = re.split(r"(?<=[.!?])\s+(?=[A-Z\"(])|\n+", text)
    return [piece.strip() for piece in pieces if piece.strip()]


def _name_in(line: Line) -> str | None:
    words = words_of(line.text)
    if line.role in ("user", "instruction") and (name := name_given_by_user(words)):
        return name
    patterns = [_SAID_OF_USER, _GREETED_BY_NAME] if line.role != "user" else [_SAID_OF_USER]
    for pattern in patterns:
        for found in reversed(list(pattern.finditer(words))):
            if found[1] not in _NOT_NAMES:
                return _capital(found[1])
    return None


def _is_user_line(line: Line, sentence: str) -> bool:
    """Return whether a line is the user's own words: these are requests, not facts."""
    if re.match(r"(?:user|caller|customer|client|human)\b[^:]{0,20}:", sentence, re.IGNORECASE):
        return True
    return line.role == "user" and not re.search(
        r"\b(?:tool|assistant|agent|model|answer|result)\b", line.text, re.IGNORECASE
    )


def _capital(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
