"""Uses the taught tools: completes a request, finds the arguments, and speaks the answer.

All functions are pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from local.gemini.mind.data_files import fold
from local.gemini.mind.findings import sentences_for_caller, unwrap
from local.gemini.mind.known import DeclaredFunction, Line, ToolCall
from local.gemini.mind.languages import Language, find_when, hears, is_offer_of_help, languages
from local.gemini.mind.repeated_turn import Begun
from local.gemini.mind.times import words_of
from local.gemini.mind.tool_arguments import ANY_TIME, read_arguments
from local.gemini.mind.tool_files import TaughtTool, ToolBook, fields_of

# A longer list of times is not said in full.
SPOKEN_ITEMS = 6
_TIME_OF_PART = {"morning": "10:00", "afternoon": "16:00", "evening": "21:00"}
_ABSENT: tuple[object, ...] = (None, "", False, [], {})


def complete_request(
    book: ToolBook, lines: Sequence[Line], heard: str, codes: Sequence[str | None]
) -> str | None:
    """Return the user's request for a taught tool, None if the words are no such request.

    The answer to a question about a request is returned after the words since that request.

    Args:
        book: The taught tools.
        lines: The conversation before the words.
        heard: The user's words.
        codes: The languages that the user may speak, likeliest first.
    """
    if book.find(heard, codes):
        return heard.strip()
    said = [line.text.strip() for line in lines if line.role in ("model", "tool") and line.text]
    if not said or not said[-1].endswith("?") or is_offer_of_help(said[-1]):
        return None
    if hears("agreed", heard) and (offer := find_when(said[-1])):
        heard = f"{heard.strip()} {offer}"
    words: list[str] = []
    for line in reversed(lines):
        if line.role != "user" or not line.text or line.text.startswith("("):
            continue
        words.insert(0, line.text.strip().rstrip("."))
        if taught := book.find(line.text, codes):
            request = ". ".join([*words, heard.strip()])
            tools = (taught, book.following(taught))
            is_answer = any(
                read_arguments(one, request, ANY_TIME)
                != read_arguments(one, ". ".join(words), ANY_TIME)
                for one in tools
                if one
            )
            return request if is_answer else None
    return None


def find_tool(book: ToolBook, text: str, codes: Sequence[str]) -> TaughtTool | None:
    """Return the tool that a completed request asks for."""
    taught = book.find(text, codes)
    following = book.following(taught) if taught else None
    if taught and following and ". " in text:
        answer = read_arguments(following, text.rpartition(". ")[2], ANY_TIME)
        if answer.keys() - taught.wording.arguments.keys():
            return following
    return taught


@dataclass(frozen=True, slots=True)
class TaughtRequest:
    """One request for a taught tool.

    Attributes:
        taught: The tool.
        text: The user's words.
        function: The declared function.
        results: The results of the calls so far, by function.
        begun: The calls that the same turn began before it was interrupted.
        now: The present time.
        is_localised: Whether the results' spoken forms are in the language of the tool's words.
    """

    taught: TaughtTool
    text: str
    function: DeclaredFunction
    results: Mapping[str, Any]
    begun: Sequence[Begun]
    now: datetime
    is_localised: bool

    def next_step(self) -> ToolCall | str:
        """Return the next call, or the text to say."""
        wording, name = self.taught.wording, self.taught.name
        found = self._found()
        before = next((one for one in self.begun if self._is_repeated(one.call, found)), None)
        if before and before.answer is not None:
            return before.answer
        if name in self.results:
            return self._speak(before.call.args if before else found, is_begun=before is not None)
        if before:
            return before.call
        for argument, question in wording.ask.items():
            if argument not in found and not wording.arguments[argument].of:
                return question
        for tool in self._lists_needed(found):
            if tool not in self.results:
                return ToolCall(tool, {})
            chosen = self._choose(tool, found)
            if isinstance(chosen, str):
                return chosen
            found |= chosen
        return ToolCall(name, self._in_order(found))

    def _lists_needed(self, found: dict[str, Any]) -> list[str]:
        """Return the tools that list the arguments which the words do not give exactly."""
        needed = {
            one.of
            for name, one in self.taught.wording.arguments.items()
            if one.of and (name not in found or one.kind == "text")
        }
        return sorted(needed)

    @property
    def _language(self) -> Language:
        return languages()[self.taught.language]

    def _found(self) -> dict[str, Any]:
        """Return the arguments that the user's words hold."""
        properties = (self.function.schema or {}).get("properties") or {}
        return {
            name: _typed(value, properties.get(name))
            for name, value in read_arguments(self.taught, self.text, self.now).items()
        }

    def _in_order(self, found: dict[str, Any]) -> dict[str, Any]:
        return {name: found[name] for name in self.taught.wording.arguments if name in found}

    def _is_repeated(self, call: ToolCall, found: dict[str, Any]) -> bool:
        """Return whether an earlier call has the same purpose, as far as the words say it."""
        exact = {
            name: value
            for name, value in found.items()
            if self.taught.wording.arguments[name].kind != "text"
        }
        return call.name == self.taught.name and exact.items() <= call.args.items()

    def _choose(self, tool: str, found: dict[str, Any]) -> dict[str, Any] | str:
        """Return the arguments from the listed item that the user means, or what to say."""
        wording = self.taught.wording
        sources = {name: one for name, one in wording.arguments.items() if one.of == tool}
        items = [one for one in _first_list(self.results[tool]) if isinstance(one, dict)]
        for name, source in sources.items():
            if name in found:
                items = _matching(items, source.field or name, found[name], source.kind)
        if not items:
            return wording.none
        if len(items) > 1:
            choices = self._spoken(items)
            return wording.several.format(choices=choices)
        return {name: items[0].get(one.field or name) for name, one in sources.items()}

    def _speak(self, arguments: Mapping[str, Any], *, is_begun: bool) -> str:
        wording, says = self.taught.wording, self._language.says
        result = unwrap(self.results[self.taught.name])
        if not isinstance(result, dict):
            return str(result)
        status = str(result.get("status", "done"))
        if status == "refused" and is_begun and any(one.of for one in wording.arguments.values()):
            # The listed item was removed before the interruption.
            status = "done"
        why = sentences_for_caller(result.get("message"))
        fields = self._localised({**arguments, **result, "why": why})
        templates = {"done": wording.done, "refused": wording.refused}.get(status, wording.failed)
        if reason := wording.reasons.get(str(result.get("reason"))):
            templates = (reason, *templates)
        for template in templates:
            names = fields_of(template)
            if all(fields.get(name) not in _ABSENT for name in names):
                said = template.format_map({name: self._spoken(fields[name]) for name in names})
                # "p.m." already ends with a full stop.
                return said.replace("..", ".")
        return says.done if status == "done" else says.failed

    def _spoken(self, value: Any) -> str:
        if isinstance(value, list):
            nearest = self._nearest(value)
            return self._language.say_list([self._spoken(one) for one in nearest])
        if isinstance(value, dict):
            texts = (one for one in value.values() if isinstance(one, str))
            return str(self._localised(value).get("spoken") or next(texts, ""))
        return str(value)

    def _localised(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a result whose spoken form is in the language of the tool's words."""
        day, at = value.get("date"), value.get("time")
        if self.is_localised and "spoken" in value:
            return value
        try:
            own = self._language.say_slot(
                date.fromisoformat(day) if day else None, time.fromisoformat(at) if at else None
            )
        except (TypeError, ValueError):
            return value
        return {**value, "spoken": own} if own else value

    def _nearest(self, items: list[Any]) -> list[Any]:
        """Return the items nearest to the time in the user's words, in their order."""
        if len(items) <= SPOKEN_ITEMS:
            return items
        arguments = self.taught.wording.arguments
        asked = [at for name, at in self._found().items() if arguments[name].kind == "clock"]
        part = self._language.read_when(self.text).part
        near = asked[-1] if asked else _TIME_OF_PART.get(part or "")
        if near is None:
            return items[:SPOKEN_ITEMS]

        def distance(item: Any) -> int:
            at = item.get("time") if isinstance(item, dict) else None
            return abs(_minutes(at) - _minutes(near)) if at else 0

        nearest = sorted(items, key=distance)[:SPOKEN_ITEMS]
        return [item for item in items if item in nearest]


def _minutes(at: str) -> int:
    moment = time.fromisoformat(at)
    return moment.hour * 60 + moment.minute


def _typed(value: str, parameter: Any) -> str | int:
    """Return a whole number for a parameter that takes one; the tool refuses other texts."""
    is_whole = isinstance(parameter, dict) and str(parameter.get("type")).lower() == "integer"
    return int(value) if is_whole and value.isdecimal() else value


def _first_list(result: Any) -> list[Any]:
    value = unwrap(result)
    values = value.values() if isinstance(value, dict) else [value]
    return next((one for one in values if isinstance(one, list)), [])


def _matching(
    items: list[dict[str, Any]], field: str, wanted: str, kind: str
) -> list[dict[str, Any]]:
    """Return the items with the wanted value; of texts, the one that shares the most words."""
    if kind != "text":
        return [one for one in items if one.get(field) == wanted]
    words = {word for word in fold(words_of(wanted)).split() if len(word) > 3}

    def shared(item: dict[str, Any]) -> int:
        return len(words & set(fold(words_of(str(item.get(field)))).split()))

    best = max(items, key=shared, default=None)
    return [best] if best is not None and shared(best) else []
