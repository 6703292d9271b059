"""Requests about notes: facts that callers ask to remember, recall or forget.

All functions are pure. A fact is noted in the caller's words; to forget one, the note that shares
the most words with the request is chosen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from local.gemini.mind.findings import read_finding, say_list, unwrap
from local.gemini.mind.known import DeclaredFunction, ToolCall
from local.gemini.mind.repeated_turn import Begun
from local.gemini.mind.times import words_of

SORRY = "I am sorry, I cannot take notes."
NOTHING = "I have noted nothing about you."
NO_SUCH = "I have no such note."

_QUESTION = re.compile(r"\b(?:do|did|can|could) you (?:still )?remember\b", re.IGNORECASE)
_REMEMBER = re.compile(
    r"\b(?:remember|(?:make|take) a note|note|write down|keep in mind|do not forget|don't forget)"
    r"(?: down)?,? (?:that|this:)\s+(?P<fact>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_RECALL = re.compile(
    r"\bwhat (?:else )?(?:do|did|have) you (?:know|remember|note|noted|written down)\b"
    r"(?!.*\b(?:appointment|booking)\b)|\b(?:my|the|your) notes\b",
    re.IGNORECASE,
)
_FORGET = re.compile(
    r"\bforget (?:about |that |the note (?:that |about )?)(?P<fact>\S.*)", re.IGNORECASE | re.DOTALL
)
_SMALL = frozenset(["a", "an", "and", "i", "in", "is", "my", "of", "on", "that", "the", "to"])


class NoteWish(StrEnum):
    """The kind of request; the value is part of the name of its function."""

    REMEMBER = "remember"
    RECALL = "recall"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Noting:
    """A request and its fact, "" without one."""

    wish: NoteWish
    fact: str = ""


def understand(text: str) -> Noting | None:
    """Parse a request about notes; return None for other requests."""
    if not _QUESTION.search(text) and (found := _REMEMBER.search(text)):
        return Noting(NoteWish.REMEMBER, _as_fact(found["fact"]))
    if found := _FORGET.search(text):
        return Noting(NoteWish.FORGET, _as_fact(found["fact"]))
    return Noting(NoteWish.RECALL) if _RECALL.search(text) else None


def _as_fact(text: str) -> str:
    fact = " ".join(text.split()).rstrip(" .!?")
    return fact[:1].upper() + fact[1:]


def serve(
    noting: Noting,
    steps: Sequence[tuple[ToolCall, Any]],
    functions: Sequence[DeclaredFunction],
    begun: Sequence[Begun],
) -> ToolCall | str:
    """Return the next call for a request, or the text to say.

    Args:
        noting: The request.
        steps: The calls for it so far, with their answers.
        functions: The declared functions.
        begun: The calls that the same turn began before it was interrupted.
    """
    function = _function(functions, noting.wish)
    if function is None:
        return SORRY
    answers = {call.name: answer for call, answer in steps}
    before = next((one for one in begun if one.call.name == function.name), None)
    if before is not None and before.answer is not None:
        return before.answer
    if function.name in answers:
        # A missing note was deleted before the interruption.
        return _reply_text(noting.wish, answers[function.name], is_begun=before is not None)
    if before is not None:
        return before.call
    if noting.wish is NoteWish.REMEMBER:
        return ToolCall(function.name, {_parameter(function): noting.fact})
    if noting.wish is NoteWish.RECALL:
        return ToolCall(function.name, {})
    recall = _function(functions, NoteWish.RECALL)
    if recall is not None and recall.name not in answers:
        return ToolCall(recall.name, {})
    kept = _notes(answers[recall.name]) if recall is not None else [noting.fact]
    meant = _closest(noting.fact, kept)
    return NO_SUCH if meant is None else ToolCall(function.name, {_parameter(function): meant})


def _reply_text(wish: NoteWish, answer: Any, *, is_begun: bool) -> str:
    if wish is NoteWish.RECALL:
        kept = _notes(answer)
        return f"You had me note: {say_list(kept, 'and')}." if kept else NOTHING
    found = read_finding(answer, {})
    if wish is NoteWish.REMEMBER:
        return "I will remember that." if found.ok else found.text or SORRY
    return "I have forgotten that." if found.ok or is_begun else NO_SUCH


def serves(name: str) -> bool:
    """Return whether a function by its name is one for notes."""
    return any(wish in name.lower().split("_") for wish in NoteWish)


def _function(functions: Sequence[DeclaredFunction], wish: NoteWish) -> DeclaredFunction | None:
    return next((one for one in functions if wish in one.name.lower().split("_")), None)


def _parameter(function: DeclaredFunction) -> str:
    return next((str(name) for name in (function.schema or {}).get("properties") or ()), "note")


def _notes(answer: Any) -> list[str]:
    value = unwrap(answer)
    listed = value.get("notes", []) if isinstance(value, dict) else value
    texts = [one.get("note", "") if isinstance(one, dict) else str(one) for one in listed]
    return [text for text in texts if text]


def _closest(fact: str, kept: Sequence[str]) -> str | None:
    """Return the note that shares the most words with a fact, None if none shares any."""
    wanted = set(words_of(fact).split()) - _SMALL

    def shared(note: str) -> int:
        return len(wanted & set(words_of(note).split()))

    return max((note for note in kept if shared(note)), key=shared, default=None)
