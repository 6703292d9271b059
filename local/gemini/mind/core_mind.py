"""The core mind: a tool-using chat model as rules over one generateContent request.

The rules are pure functions: from the system instruction, the contents and the declared functions
they derive function calls or one speakable text. The present time comes from the instruction.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.gemini.mind import notes
from local.gemini.mind.answers import TaughtRequest
from local.gemini.mind.known import DeclaredFunction, Line, ToolCall
from local.gemini.mind.languages import DEFAULT, language_of, languages, requested_language
from local.gemini.mind.requests import complete_request, find_tool
from local.gemini.mind.tool_files import SHOWN_FOLDER, ToolBook, project_tools

_NOW = re.compile(r"\b(\d{4}-\d\d-\d\d)\b(?:[^\n]{0,40}?\b(\d\d:\d\d)\b)?")
_REPEATED = "turn was cut off and is being repeated"
_ATTEMPT = re.compile(r"^  Begun: (?P<begun>.*)\n  Answer: (?P<answer>.*)$", re.MULTILINE)
_UNKNOWN = re.compile(r"\bnone\b.*\bunknown\b")


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
    texts = [index for index, one in enumerate(messages) if one.role == "user" and one.text]
    if not texts:
        return Answer(languages()[DEFAULT].say("hello"))
    asked = texts[-1]
    heard, wanted = messages[asked].text, requested_language(instruction)
    if notes.is_asked(instruction):
        return Answer(notes.take_notes(heard))
    book = project_tools() if tools is None else tools
    codes = [code for code in (language_of(heard), wanted, DEFAULT) if code]
    before = [Line(one.role, one.text) for one in messages[:asked]]
    text = complete_request(book, before, heard, codes) or heard
    declared = {one.name: one for one in functions}
    taught = find_tool(book.only(declared), text, codes)
    if taught is None:
        language, missing = languages()[codes[0]], sorted(declared.keys() - set(book.names))
        if missing:
            known, missed = map(language.say_list, (book.names, missing))
            file = language.say("no_file", known=known, missing=missed, folder=SHOWN_FOLDER)
            return Answer(file)
        if book.find(text, codes):
            return Answer(language.say("cannot"))
        abilities = language.say("abilities_asked", None, instruction)
        return Answer(f"{language.say('not_understood')} {abilities}")
    calls = [call for one in messages[asked + 1 :] for call in one.calls]
    results = [result for one in messages[asked + 1 :] for _, result in one.responses]
    step = TaughtRequest(
        taught,
        text,
        declared[taught.name],
        {call.name: result for call, result in zip(calls, results, strict=False)},
        _begun_tool_calls(instruction),
        read_now(instruction) or now,
        is_localised=taught.language == (wanted or DEFAULT),
    ).next_step()
    return Answer(step) if isinstance(step, str) else Answer(calls=(step,))


def read_now(instruction: str) -> datetime | None:
    """Read the present time from the instruction: the first ISO date and the next HH:MM."""
    found = _NOW.search(instruction)
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}") if found else None
    except ValueError:
        return None


def _begun_tool_calls(instruction: str) -> list[tuple[ToolCall, str | None]]:
    """Return the calls of the interrupted turn, each with its answer; None if it is unknown."""
    begun = []
    for attempt in _ATTEMPT.finditer(instruction.partition(_REPEATED)[2]):
        answer = None if _UNKNOWN.search(attempt["answer"]) else attempt["answer"]
        text = attempt["begun"]
        while named := re.match(r"[;\s]*(\w+) (?=\{)", text):
            arguments, end = json.JSONDecoder().raw_decode(text, named.end())
            begun.append((ToolCall(named[1], arguments), answer))
            text = text[end:]
    return begun
