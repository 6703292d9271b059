"""Reads the calls and answers of an interrupted turn from the instruction."""

import json
import re
from dataclasses import dataclass

from local.gemini.mind.known import ToolCall

_NOTE = re.compile(r"\bturn was cut off and is being repeated\b")
_ATTEMPT = re.compile(r"^  Begun: (?P<begun>.*)\n  Answer: (?P<answer>.*)$", re.MULTILINE)
_UNKNOWN = re.compile(r"\bnone\b.*\bunknown\b")
_NAME = re.compile(r"[;\s]*(\w+) (?=\{)")


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that the interrupted turn began.

    Attributes:
        answer: The answer of the turn; None if the result of the call is unknown.
    """

    call: ToolCall
    answer: str | None


def read_begun_tool_calls(instruction: str) -> list[Begun]:
    """Return the calls that the instruction lists as begun, in their order."""
    note = _NOTE.search(instruction)
    if not note:
        return []
    return [
        Begun(call, None if _UNKNOWN.search(attempt["answer"]) else attempt["answer"])
        for attempt in _ATTEMPT.finditer(instruction, note.end())
        for call in _calls(attempt["begun"])
    ]


def _calls(text: str) -> list[ToolCall]:
    calls, at = [], 0
    while named := _NAME.match(text, at):
        try:
            arguments, at = json.JSONDecoder().raw_decode(text, named.end())
        except ValueError:
            break
        calls.append(ToolCall(named[1], arguments))
    return calls
