"""Answers a completed request for a taught tool: with a call, a question, or the tool's result."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from local.gemini.mind.data_files import fold
from local.gemini.mind.known import DeclaredFunction, ToolCall
from local.gemini.mind.languages import Language, languages
from local.gemini.mind.phrases import sentences_of
from local.gemini.mind.requests import read_arguments
from local.gemini.mind.tool_files import TaughtTool, fields_of

# A longer list of times is not said in full.
SPOKEN_ITEMS = 6
_TIME_OF_PART = {"morning": "10:00", "afternoon": "16:00", "evening": "21:00"}
_ABSENT: tuple[object, ...] = (None, "", False, [], {})
_WRAPPERS = ("output", "result", "content", "data")
# Instructions to the model are not spoken to the caller.
_TO_THE_MODEL = re.compile(
    r"^(?:offer|look|call|say|ask|tell|use|try|do not|apologi[sz]e)\b|\bthe (?:caller|user)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TaughtRequest:
    """One request for a taught tool.

    Attributes:
        taught: The tool.
        text: The user's words.
        function: The declared function.
        results: The results of the calls so far, by function.
        begun: The calls that the same turn made before it was interrupted, each with the turn's
            answer; None for an unknown answer.
        now: The present time.
        is_localised: Whether the results' spoken forms are in the language of the tool's words.
    """

    taught: TaughtTool
    text: str
    function: DeclaredFunction
    results: Mapping[str, Any]
    begun: Sequence[tuple[ToolCall, str | None]]
    now: datetime
    is_localised: bool

    def next_step(self) -> ToolCall | str:
        """Return the next call, or the text to say."""
        wording, name = self.taught.wording, self.taught.name
        found = self._found()
        before = next((one for one in self.begun if self._is_repeated(one[0], found)), None)
        if before and before[1] is not None:
            return before[1]
        if name in self.results:
            return self._speak(before[0].args if before else found, is_begun=before is not None)
        if before:
            return before[0]
        for argument, question in wording.ask.items():
            if argument not in found and not wording.arguments[argument].of:
                return question
        # The words do not give these arguments exactly.
        listed = [a for n, a in wording.arguments.items() if n not in found or a.kind == "text"]
        for tool in sorted({one.of for one in listed if one.of}):
            if tool not in self.results:
                return ToolCall(tool, {})
            chosen = self._choose(tool, found)
            if isinstance(chosen, str):
                return chosen
            found |= chosen
        return ToolCall(name, {one: found[one] for one in wording.arguments if one in found})

    @property
    def _language(self) -> Language:
        return languages()[self.taught.language]

    def _found(self) -> dict[str, Any]:
        """Return the arguments that the user's words hold."""
        found: dict[str, Any] = dict(read_arguments(self.taught, self.text, self.now))
        for name, parameter in self.function.properties.items():
            is_whole = str(parameter.get("type")).lower() == "integer"
            # The tool refuses other texts.
            if is_whole and str(found.get(name)).isdecimal():
                found[name] = int(found[name])
        return found

    def _is_repeated(self, call: ToolCall, found: dict[str, Any]) -> bool:
        """Return whether an earlier call has the same purpose, as far as the words say it."""
        arguments = self.taught.wording.arguments
        exact = {name: value for name, value in found.items() if arguments[name].kind != "text"}
        return call.name == self.taught.name and exact.items() <= call.args.items()

    def _choose(self, tool: str, found: dict[str, Any]) -> dict[str, Any] | str:
        """Return the arguments from the listed item that the user means, or what to say."""
        wording = self.taught.wording
        sources = {name: one for name, one in wording.arguments.items() if one.of == tool}
        items = [one for one in _first_list(self.results[tool]) if isinstance(one, dict)]
        for name in sources.keys() & found.keys():
            items = _matching(items, sources[name].field or name, found[name], sources[name].kind)
        if not items:
            return wording.none
        if len(items) > 1:
            return wording.several.format(choices=self._spoken(items))
        return {name: items[0].get(one.field or name) for name, one in sources.items()}

    def _speak(self, arguments: Mapping[str, Any], *, is_begun: bool) -> str:
        wording = self.taught.wording
        result = unwrap(self.results[self.taught.name])
        if not isinstance(result, dict):
            return str(result)
        status = str(result.get("status", "done"))
        if status == "refused" and is_begun and any(one.of for one in wording.arguments.values()):
            # The listed item was removed before the interruption.
            status = "done"
        why = _sentences_for_caller(str(result.get("message") or ""))
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
        return self._language.say("done" if status == "done" else "failed")

    def _spoken(self, value: Any) -> str:
        if isinstance(value, list):
            return self._language.say_list([self._spoken(one) for one in self._nearest(value)])
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
        clocks = [n for n, one in self.taught.wording.arguments.items() if one.kind == "clock"]
        asked = [at for name, at in self._found().items() if name in clocks]
        part = self._language.read_when(self.text).part
        near = asked[-1] if asked else _TIME_OF_PART.get(part or "")
        if near is None or len(items) <= SPOKEN_ITEMS:
            return items[:SPOKEN_ITEMS]

        def distance(item: Any) -> int:
            at = item.get("time") if isinstance(item, dict) else None
            return abs(_minutes(at) - _minutes(near)) if at else 0

        nearest = sorted(items, key=distance)[:SPOKEN_ITEMS]
        return [item for item in items if item in nearest]


def unwrap(value: Any) -> Any:
    """Return the innermost value of a function's answer."""
    if isinstance(value, str):
        try:
            parsed = json.loads(value)
        except ValueError:
            return value
        return unwrap(parsed) if isinstance(parsed, dict | list | str) else value
    if isinstance(value, dict) and len(value) == 1 and (key := next(iter(value))) in _WRAPPERS:
        return unwrap(value[key])
    return value


def _sentences_for_caller(message: str) -> str:
    caller_has = re.compile(r"^The caller has (?!no\b)")
    sentences = [caller_has.sub("You have ", one) for one in sentences_of(message)]
    return " ".join(one for one in sentences if not _TO_THE_MODEL.search(one))


def _minutes(at: str) -> int:
    return int(at[:2]) * 60 + int(at[3:5])


def _first_list(result: Any) -> list[Any]:
    value = unwrap(result)
    values = value.values() if isinstance(value, dict) else [value]
    return next((one for one in values if isinstance(one, list)), [])


def _matching(items: list[Any], field: str, wanted: str, kind: str) -> list[Any]:
    """Return the items with the wanted value; of texts, the one that shares the most words."""
    if kind != "text":
        return [one for one in items if one.get(field) == wanted]

    def shared(item: dict[str, Any]) -> int:
        held, asked = (re.findall(r"\w{4,}", fold(str(one))) for one in (item.get(field), wanted))
        return len(set(held) & set(asked))

    best = max(items, key=shared, default=None)
    return [best] if best is not None and shared(best) else []
