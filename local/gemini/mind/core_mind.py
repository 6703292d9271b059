"""The core mind: a tool-using chat model as rules over one generateContent request.

The rules are pure functions: from the system instruction, the contents and the declared functions
they derive function calls or one speakable text. The present time comes from the instruction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from local.gemini.mind import notes
from local.gemini.mind.known import DeclaredFunction, Line, ToolCall
from local.gemini.mind.languages import DEFAULT, language_of, languages, requested_language
from local.gemini.mind.repeated_turn import read_begun_tool_calls
from local.gemini.mind.taught_tools import TaughtRequest, complete_request, find_tool
from local.gemini.mind.tool_files import SHOWN_FOLDER, ToolBook, project_tools


@dataclass(frozen=True, slots=True)
class Message:
    """One content: text, or calls, or their answers in the same order."""

    role: str
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    responses: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Calls to make, or a text."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


def respond(
    instruction: str,
    messages: Sequence[Message],
    functions: Sequence[DeclaredFunction],
    now: datetime,
    tools: ToolBook | None = None,
) -> Answer:
    """Return the model's next text or calls.

    Args:
        instruction: The system instruction.
        messages: The whole exchange, oldest first.
        functions: The declared functions.
        now: The present time, used if the instruction does not contain it.
        tools: The taught tools; None for the project's own.
    """
    asked = max(
        (i for i, one in enumerate(messages) if one.role == "user" and one.text), default=None
    )
    if asked is None:
        return Answer(languages()[DEFAULT].says.hello)
    if notes.is_asked(instruction):
        return Answer(notes.take_notes(messages[asked].text))
    book = project_tools() if tools is None else tools
    heard, wanted = messages[asked].text, requested_language(instruction)
    codes = [code for code in (language_of(heard), wanted, DEFAULT) if code]
    before = [Line(one.role, one.text) for one in messages[:asked]]
    text = complete_request(book, before, heard, codes) or heard
    declared = {one.name: one for one in functions}
    taught = find_tool(book.only(declared), text, codes)
    if taught is None:
        return Answer(_not_understood(book, declared, text, codes))
    step = TaughtRequest(
        taught,
        text,
        declared[taught.name],
        _results(messages[asked + 1 :]),
        read_begun_tool_calls(instruction),
        read_now(instruction) or now,
        is_localised=taught.language == (wanted or DEFAULT),
    ).next_step()
    return Answer(step) if isinstance(step, str) else Answer(calls=(step,))


def read_now(instruction: str) -> datetime | None:
    """Read the present time from the instruction: the first ISO date and the next HH:MM."""
    found = re.search(r"\b(\d{4}-\d{2}-\d{2})\b", instruction)
    if not found:
        return None
    try:
        day = date.fromisoformat(found[1])
    except ValueError:
        return None
    clock = re.match(r"[^\n]{0,40}?\b([01]\d|2[0-3]):([0-5]\d)\b", instruction[found.end() :])
    return datetime.combine(day, time(int(clock[1]), int(clock[2])) if clock else time(0))


def _results(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the results of the calls by function."""
    calls = [call for one in messages for call in one.calls]
    answers = [answer for one in messages for _, answer in one.responses]
    return {call.name: answer for call, answer in zip(calls, answers, strict=False)}


def _not_understood(
    book: ToolBook, declared: dict[str, DeclaredFunction], text: str, codes: Sequence[str]
) -> str:
    """Return an apology; if a tool has no file, it says where to add one."""
    language = languages()[codes[0]]
    missing = sorted(declared.keys() - set(book.names))
    if missing:
        return language.says.no_file.format(
            known=language.say_list(book.names),
            missing=language.say_list(missing),
            folder=SHOWN_FOLDER,
        )
    return language.says.cannot if book.find(text, codes) else language.says.not_understood
