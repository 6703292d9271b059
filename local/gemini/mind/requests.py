"""Completes a request for a taught tool from several utterances, and reads its arguments."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time

from local.gemini.mind.known import Line
from local.gemini.mind.languages import Language, hears, is_offer_of_help, languages
from local.gemini.mind.phrases import sentences_of
from local.gemini.mind.times import When
from local.gemini.mind.tool_files import Argument, TaughtTool, ToolBook

# Separates a request from the answers to the questions about it.
THEN = "; "
_ANY_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - only the presence of a day matters


def open_question(lines: Sequence[Line]) -> str | None:
    """Return the last sentence to the user if it is a question about a request."""
    said = [line.text.strip() for line in lines if line.role in ("model", "tool") and line.text]
    is_open = said and said[-1].endswith("?") and not is_offer_of_help(said[-1])
    return sentences_of(said[-1])[-1] if is_open else None


def complete_request(
    book: ToolBook, lines: Sequence[Line], heard: str, codes: Sequence[str | None]
) -> str | None:
    """Return the user's request for a taught tool, None if the words are no such request.

    The answer to a question about a request is returned after the words since that request, unless
    it holds them already, as the question to the core agent does.

    Args:
        book: The taught tools.
        lines: The conversation before the words.
        heard: The user's words.
        codes: The languages that the user may speak, likeliest first.
    """
    heard = heard.strip()
    asked, question = book.find(heard, codes), open_question(lines)
    words: list[str] = []
    for line in reversed(lines if question else ()):
        if line.role != "user" or not line.text or line.text.startswith("("):
            continue
        words.insert(0, line.text.strip().rstrip("."))
        if taught := book.find(line.text, codes):
            tools = [one for one in (taught, book.following(taught)) if one]
            is_repeated = heard.startswith(words[0])
            if asked and (is_repeated or (asked not in tools and not hears("corrected", heard))):
                break
            held = [read_arguments(one, THEN.join(words)) for one in tools]
            replies = [heard]
            if hears("agreed", heard):
                replies.append(f"{heard} {question}")
            for request in (THEN.join([*words, reply]) for reply in replies):
                if held != [read_arguments(one, request) for one in tools]:
                    return request
            break
    return heard if asked else None


def find_tool(book: ToolBook, text: str, codes: Sequence[str]) -> TaughtTool | None:
    """Return the tool that a completed request asks for."""
    request, *answers = text.split(THEN)
    taught = book.find(request, codes) or book.find(text, codes)
    following = book.following(taught) if taught else None
    if not (taught and following and answers) or taught.is_heard_in(answers[-1]):
        return taught
    answered = read_arguments(following, f"{THEN}{answers[-1]}")
    return following if answered.keys() - taught.wording.arguments.keys() else taught


def read_arguments(taught: TaughtTool, text: str, now: datetime = _ANY_TIME) -> dict[str, str]:
    """Return the arguments in a text by name."""
    read = {name: _read(taught, name, text, now) for name in taught.wording.arguments}
    return {name: value for name, value in read.items() if value is not None}


def _read(taught: TaughtTool, name: str, text: str, now: datetime) -> str | None:
    wording, language = taught.wording, languages()[taught.language]
    argument, parts = wording.arguments[name], [text]
    if argument.pattern:
        others = [one for one in wording.arguments.values() if one.of]
        # An answer to a question holds its argument without the words of a phrase.
        parts = [
            answer
            for answer in reversed(text.split(THEN)[1:] if name in wording.ask else ())
            if not any(any(_parts(one, answer, language)) for one in others)
        ]
        parts += _parts(argument, text, language)
    at = next((one.at for one in _whens(text, language) if one.at), None)
    values = (_value(argument, part, language, now, at) for part in parts)
    return next((value for value in values if value is not None), None)


def _parts(argument: Argument, text: str, language: Language) -> Iterator[str]:
    """Find the parts of a text that may hold an argument."""
    heard = language.read(text)
    for phrase in argument.pattern:
        for found in language.pattern(phrase).finditer(heard.plain):
            yield heard.captured(found)


def _whens(text: str, language: Language) -> list[When]:
    """Read the days and times in a request, the newest first: it replaces the others."""
    request, *answers = (language.read_when(one) for one in text.split(THEN))
    for index, answer in enumerate(text.split(THEN)[1:]):
        when, number = answers[index], language.read_number(answer)
        if not when.at and not when.named and number:
            # "Nine, please" is a time after a question.
            part = f" in the {when.part}" if when.part else ""
            answers[index] = replace(when, at=language.read_when(f"at {number}{part}").at)
    return [*reversed(answers), request]


def _value(
    argument: Argument, text: str, language: Language, now: datetime, any_at: time | None
) -> str | None:
    whens = _whens(text, language)
    at = next((one.at for one in whens if one.at), None)
    match argument.kind:
        case "day":
            # "Monday" on a Monday means today only if the time is still to come.
            days = (replace(one, at=at or any_at).on(now) for one in whens)
            day = next(filter(None, days), None)
            return day.isoformat() if day else None
        case "clock":
            if at and 0 < at.hour < argument.from_hour and not any(one.part for one in whens):
                at = at.replace(hour=at.hour + 12)
            return f"{at:%H:%M}" if at else None
        case "number":
            number = language.read_number(text)
            return None if number is None else str(number)
        case "text":
            return text[:1].upper() + text[1:] if argument.pattern else None
