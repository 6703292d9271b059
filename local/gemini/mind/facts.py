"""Finds the user's name and appointment in the conversation."""

import re
from itertools import product

from local.gemini.mind.known import Known, Line
from local.gemini.mind.languages import languages
from local.gemini.mind.phrases import sentences_of

_STATED = re.compile(
    r"\b(?:booked|reserved|moved|rescheduled|cancell?ed|appointment is on|have no appointments?)\b",
    re.IGNORECASE,
)
_NOT_STATED = re.compile(
    r"\b(?:not|never|cannot|can't|couldn't|unable|sorry|taken|would|shall|want|please|could)\b",
    re.IGNORECASE,
)
_OF_USER = re.compile(r"(?:user|caller|customer|client|human)\b[^:]{0,20}:", re.IGNORECASE)
_OF_MODEL = re.compile(r"\b(?:tool|assistant|agent|model|answer|result)\b", re.IGNORECASE)


def find_name(known: Known) -> str | None:
    """Return the user's name from the conversation or the instruction, None if unknown."""
    for line in (*reversed(known.lines), Line("instruction", known.instruction)):
        name = name_given_by_user(line.text) if line.role in ("user", "instruction") else None
        if name := name or _last_name(line.text, "name_said"):
            return name
    return None


def find_appointment(known: Known) -> str | None:
    """Return the newest sentence that states the user's appointment or that there is none."""
    for line in (*reversed(known.lines), Line("instruction", known.instruction)):
        for sentence in reversed(sentences_of(line.text)):
            if _is_user_line(line, sentence) or sentence.endswith("?"):
                continue
            if _STATED.search(sentence) and not _NOT_STATED.search(sentence):
                # A summary or a speaker's name may precede it.
                return sentence.rpartition(": ")[2]
    return None


def name_given_by_user(text: str) -> str | None:
    """Return the last name that the user gives in a text, None without one."""
    return _last_name(text, "name_given", "name_written")


def _last_name(text: str, *kinds: str) -> str | None:
    found: list[tuple[int, str]] = []
    for language, kind in product(languages().values(), kinds):
        heard = language.read(text)
        for match in language.find(language.heard.get(kind, ()), heard):
            name = re.sub("['\N{RIGHT SINGLE QUOTATION MARK}]s$", "", heard.captured(match))
            is_name = name[:1].isupper() if kind == "name_written" else name[:1].isalpha()
            if is_name and match[1].strip() not in language.not_names:
                found.append((match.start(1), name))
    name = max(found, default=(0, ""))[1]
    return "-".join(part.capitalize() for part in name.split("-")) or None


def _is_user_line(line: Line, sentence: str) -> bool:
    """Return whether a line is the user's own words: these are requests, not facts."""
    is_users = line.role == "user" and not _OF_MODEL.search(line.text)
    return is_users or _OF_USER.match(sentence) is not None
