"""The Live mind: rules over the content of one connection, its only memory.

The rules are pure functions: from the context and the user's words they derive a text to say and
functions to call. A fact that is not in the context is unknown to them.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from local.gemini.mind.facts import find_appointment, find_name, name_given_by_user
from local.gemini.mind.known import DeclaredFunction, Known, ToolCall
from local.gemini.mind.languages import (
    DEFAULT,
    Says,
    hears,
    language_of,
    languages,
    only_language,
    requested_language,
    says,
)
from local.gemini.mind.taught_tools import complete_request
from local.gemini.mind.times import words_of


@dataclass(frozen=True, slots=True)
class Reply:
    """A text to say, and the calls to make before it."""

    say: str
    calls: tuple[ToolCall, ...] = ()


_LANGUAGES = {
    "english": "en-US",
    "spanish": "es-ES",
    "french": "fr-FR",
    "german": "de-DE",
    "hindi": "hi-IN",
    "italian": "it-IT",
    "portuguese": "pt-BR",
    "japanese": "ja-JP",
    "polish": "pl-PL",
    "dutch": "nl-NL",
}
_LANGUAGE = re.compile(
    r"\b(?:speak|talk|switch to|change to|continue in|answer in|in)\b.{0,24}?\b("
    + "|".join(_LANGUAGES)
    + r")\b"
)
_ASKS_APPOINTMENT = re.compile(
    r"\b(?:when|what time|what day|time|date|day|hour|remember|remind|tell me)\b.*"
    r"\b(?:my|our) (?:next )?(?:appointment|booking|reservation|visit)\b"
    r"|\b(?:my|our) (?:next )?(?:appointment|booking|reservation)\b.*\b(?:when|time|day|is)\b"
    r"|\bwhen (?:do|am|should) i (?:come|coming|see|have|supposed)"
)
_OTHER_WISH = re.compile(
    r"\b(?:cancel|move|change|reschedule|another|make|book|that (?:my|our)"
    r"|(?:like|want|need)(?! to (?:know|hear)))\b"
)
_NUDGE = re.compile(
    r"^(?:please )?(?:continue|go on|answer|respond|reply)\b|\bare you (?:still )?there\b"
    r"|\b(?:did not|didn't) (?:answer|reply|respond)\b|\blast (?:question|request|message)\b"
)
_STILL_LOOKING = re.compile(r"^\(In .*, say in a few words that you are still looking")
_TO_BE_SAID = re.compile(
    r"(?:\b(?:answer|result|output|response|say|tell|repeat|spoken|reply)\b[^:]{0,80}):\s*(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One user turn.

    Attributes:
        words: The normalized words of ``heard``.
        name: The name that the user gives in them, if any.
    """

    known: Known
    heard: str
    words: str
    name: str | None

    @property
    def says(self) -> Says:
        """The sentences of the language to answer in."""
        return says(next((code for code in self.codes if code), None))

    @property
    def codes(self) -> tuple[str | None, ...]:
        """The languages that the model understands, likeliest first."""
        if only := only_language(self.known.instruction):
            return (only,)
        return language_of(self.heard), _language_in_force(self.known), DEFAULT

    @property
    def is_foreign(self) -> bool:
        """Whether the words are in a language that the model must not answer in."""
        others = [code for code in languages() if code not in self.codes]
        if only_language(self.known.instruction) is None:
            return False
        is_request = self.known.tools.find(self.heard, others) is not None
        return is_request or language_of(self.heard) in others


def respond(known: Known, heard: str, *, spoken: bool = True) -> Reply:
    """Answer one user turn.

    Args:
        known: The context before this turn.
        heard: The user's words.
        spoken: Whether the words are speech; typed text may also be an instruction to speak.
    """
    if not spoken:
        if _STILL_LOOKING.search(heard):
            return Reply(says(_language_of_user(known)).looking)
        if asked := _text_to_say(heard):
            return Reply(asked)
        if _NUDGE.search(words_of(heard)):
            return _respond_again(known)
    turn = _Turn(known, heard, words_of(heard), name_given_by_user(words_of(heard)))
    for rule in (_recall, _taught, _farewell, _language, _greet):
        if reply := rule(turn):
            return reply
    if hears("thanks", heard):
        return Reply(turn.says.welcome)
    if not (spoken or heard.startswith("(") or turn.is_foreign) and _ask_core(known):
        # The core agent may have a tool for it. Misheard speech is not worth a call.
        return _pass_on(turn, heard)
    return Reply(turn.says.not_understood)


def not_heard(known: Known) -> Reply:
    """Answer a noise without words."""
    return Reply(says(_language_of_user(known)).not_heard)


def speak_answer(known: Known, call_name: str, response: dict[str, Any]) -> str | None:
    """Return the reply to a function's answer in the user's language, None for no reply."""
    if call_name == "end_call":
        return None
    text = text_of(response)
    if text.startswith("("):
        # An instruction is not spoken.
        return None
    sentences = says(_language_of_user(known))
    if call_name in ("set_preferences", "set_language"):
        is_done = response.get("status") == "done"
        return says(requested_language(text)).all_right if is_done else sentences.cannot
    if text:
        return text
    is_failure = "error" in response or response.get("status") in ("failed", "error")
    return sentences.failed if is_failure else sentences.done


def _respond_again(known: Known) -> Reply:
    """Answer the user's last words, which had no answer or whose answer was lost."""
    for index in range(len(known.lines) - 1, -1, -1):
        line = known.lines[index]
        if line.role == "user" and line.text and not _NUDGE.search(words_of(line.text)):
            return respond(replace(known, lines=known.lines[:index]), line.text)
    return Reply(says(_language_in_force(known)).hello)


def _text_to_say(text: str) -> str | None:
    found = _TO_BE_SAID.search(text)
    if not found:
        return None
    said = found["text"].strip().strip('"').strip()
    if text.lstrip().startswith("("):
        said = said.removesuffix(")").rstrip()
    return said or None


def _taught(turn: _Turn) -> Reply | None:
    """Pass requests for taught tools to the core agent in the user's words."""
    known = turn.known
    request = complete_request(known.tools, known.lines, turn.heard, turn.codes)
    return _pass_on(turn, request) if request else None


def _pass_on(turn: _Turn, request: str) -> Reply:
    core = _ask_core(turn.known)
    if core is None:
        return Reply(turn.says.cannot)
    return Reply(turn.says.moment, (ToolCall(core.name, {_main_parameter(core): request}),))


def _recall(turn: _Turn) -> Reply | None:
    known, words = turn.known, turn.words
    asks_name = turn.name is None and hears("name_asked", words)
    asks_when = DEFAULT in turn.codes and bool(_ASKS_APPOINTMENT.search(words))
    asks_when = asks_when and not _OTHER_WISH.search(words)
    if not asks_name and not asks_when:
        return None
    if not asks_when:
        name = find_name(known)
        return Reply(turn.says.name_is.format(name=name) if name else turn.says.name_unknown)
    appointment = find_appointment(known)
    if not asks_name and appointment is None and _ask_core(known):
        return None
    parts: list[str] = []
    if asks_name:
        found = find_name(known)
        parts.append(f"Your name is {found}" if found else "I do not know your name")
    if appointment:
        parts.append(f"your appointment is on {appointment}".replace(" on to", " to"))
    elif appointment == "":
        parts.append("you have no appointment any more")
    else:
        parts.append("I do not know of any appointment")
    said = ", and ".join(parts)
    return Reply(said[0].upper() + said[1:] + ("" if said.endswith(".") else "."))


def _farewell(turn: _Turn) -> Reply | None:
    if not hears("goodbye", turn.heard):
        return None
    name = turn.name or find_name(turn.known)
    end = turn.known.function("end_call")
    calls = (ToolCall(end.name, _filled(end, "The caller said goodbye.")),) if end else ()
    goodbye = turn.says.goodbye_named.format(name=name) if name else turn.says.goodbye
    return Reply(goodbye, calls)


def _language(turn: _Turn) -> Reply | None:
    found = _LANGUAGE.search(turn.words)
    if not found:
        return None
    function = turn.known.function("set_preferences", "set_language")
    if function is None or only_language(turn.known.instruction):
        return Reply(turn.says.cannot)
    properties = (function.schema or {}).get("properties") or {}
    parameter = _main_parameter(function)
    hint = f"{properties.get(parameter, {})} {function.description}".lower()
    by_name = "name" in hint and not re.search(r"code|bcp|tag|[a-z]{2}-[a-z]{2}", hint)
    value = found[1].capitalize() if by_name else _LANGUAGES[found[1]]
    asked = {"asked_by_user": True} if "asked_by_user" in properties else {}
    # Without words: a client may take the end of a filler's turn for the end of the answer.
    return Reply("", (ToolCall(function.name, {parameter: value} | asked),))


def _language_of_user(known: Known) -> str | None:
    """Return the user's last language; texts in brackets are not the user's."""
    if only := only_language(known.instruction):
        return only
    heard = [line.text for line in known.lines if line.role == "user" and line.text[:1] != "("]
    return (language_of(heard[-1]) if heard else None) or _language_in_force(known)


def _language_in_force(known: Known) -> str | None:
    """Return the language that the newest tool answer, or else the instruction, requests."""
    answers = [line.text for line in known.lines if line.role == "tool"]
    changed = [text for text in answers if text.startswith("Speak ")]
    return requested_language(changed[-1] if changed else known.instruction)


def _greet(turn: _Turn) -> Reply | None:
    if not turn.name and not hears("hello", turn.heard):
        return None
    name = turn.name or find_name(turn.known)
    return Reply(turn.says.hello_named.format(name=name) if name else turn.says.hello)


def _ask_core(known: Known) -> DeclaredFunction | None:
    return known.function("ask_core_agent", "ask_core")


def _main_parameter(function: DeclaredFunction) -> str:
    """Return the first required string parameter, else the first string, else ``request``."""
    schema = function.schema or {}
    properties: dict[str, Any] = schema.get("properties") or {}
    required = schema.get("required") or []
    for name in [*required, *properties]:
        if str(properties.get(name, {}).get("type", "string")).lower() == "string":
            return str(name)
    return "request"


def _filled(function: DeclaredFunction, text: str) -> dict[str, Any]:
    required = (function.schema or {}).get("required") or []
    return {_main_parameter(function): text} if required else {}


def text_of(response: Any) -> str:
    """Return the speakable text of a function's answer from one of the usual fields."""
    if isinstance(response, str):
        return response.strip()
    if isinstance(response, dict):
        for key in ("answer", "output", "result", "text", "message", "sentence", "content"):
            if text := text_of(response.get(key)):
                return text
    return ""
