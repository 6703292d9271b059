"""The Live mind: rules over the content of one connection, its only memory.

The rules are pure functions: from the context and the user's words they derive a text to say and
functions to call. A fact that is not in the context is unknown to them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.gemini.mind.facts import find_appointment, find_name, name_given_by_user
from local.gemini.mind.known import DeclaredFunction, Known, ToolCall
from local.gemini.mind.languages import (
    DEFAULT,
    Language,
    hears,
    language_of,
    languages,
    only_language,
    requested_language,
    say,
)
from local.gemini.mind.requests import complete_request, open_question

_STILL_LOOKING = re.compile(r"^\(In .*, say in a few words that you are still looking")
_TO_BE_SAID = re.compile(
    r"\b(?:answer|result|output|response|say|tell|repeat|spoken|reply)\b[^:]{0,80}:\s*(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
CORE = "ask_core_agent"
_SMALL_TALK = ("goodbye", "hello", "abilities_asked", "thanks", "declined")


@dataclass(frozen=True, slots=True)
class Reply:
    """A text to say, and the calls to make before it."""

    say: str
    calls: tuple[ToolCall, ...] = ()


def respond(known: Known, heard: str, *, spoken: bool = True) -> Reply:
    """Answer one user turn.

    Args:
        known: The context before this turn.
        heard: The user's words.
        spoken: Whether the words are speech; typed text may also be an instruction to speak.
    """
    if not spoken:
        if _STILL_LOOKING.search(heard):
            return Reply(say(_language_of_user(known), "looking"))
        if found := _TO_BE_SAID.search(heard):
            end = ")" if heard.lstrip().startswith("(") else ""
            return Reply(found["text"].strip().removesuffix(end).strip().strip('"').strip())
        if hears("continued", heard):
            return _respond_again(known)
    codes = _codes(known, heard)
    language = languages()[codes[0]]
    given = name_given_by_user(heard)
    name = given or find_name(known)
    request = complete_request(known.tools, known.lines, heard, codes)
    if recalled := _recall(known, heard, language, codes, is_named=given is not None):
        return Reply(recalled)
    if request:
        return _pass_on(known.function(CORE), request, language)
    if changed := _change_preferences(known, heard, language):
        return changed
    for kind in _SMALL_TALK:
        if hears(kind, heard) or (kind == "hello" and given):
            end_call = known.function("end_call") if kind == "goodbye" else None
            calls = (ToolCall(end_call.name, {}),) if end_call else ()
            return Reply(language.say(kind, name, known.instruction), calls)
    question, core = open_question(known.lines), known.function(CORE)
    is_typed = not spoken and not heard.startswith("(") and not _is_foreign(known, heard, codes)
    if is_typed and core and not question:
        # The core agent may have a tool for it. Misheard speech is not worth a call.
        return _pass_on(core, heard, language)
    offered = question or language.say("abilities_asked", None, known.instruction)
    return Reply(f"{language.say('not_understood')} {offered}")


def not_heard(known: Known, *, can_hear: bool = True) -> Reply:
    """Answer a noise without words, or speech on a machine without a recognizer."""
    return Reply(say(_language_of_user(known), "not_heard" if can_hear else "cannot_hear"))


def speak_answer(known: Known, call_name: str, response: dict[str, Any]) -> str | None:
    """Return the reply to a function's answer in the user's language, None for no reply."""
    text, language = text_of(response), _language_of_user(known)
    if call_name == "end_call" or text.startswith("("):
        # An answer in brackets is an instruction to the model.
        return None
    if call_name == "set_preferences":
        is_done = response.get("status") == "done"
        changed = requested_language(text) or language
        return say(changed, "declined") if is_done else say(language, "cannot")
    is_failure = "error" in response or response.get("status") in ("failed", "error")
    return text or say(language, "failed" if is_failure else "done")


def text_of(response: Any) -> str:
    """Return the speakable text of a function's answer from one of the usual fields."""
    if isinstance(response, str):
        return response.strip()
    fields = ("answer", "output", "result", "text", "message", "sentence", "content")
    values = [response.get(name) for name in fields] if isinstance(response, dict) else []
    return next(filter(None, map(text_of, values)), "")


def _respond_again(known: Known) -> Reply:
    """Answer the user's last words again, because their answer is missing or was lost."""
    for index in range(len(known.lines) - 1, -1, -1):
        line = known.lines[index]
        if line.role == "user" and line.text and not hears("continued", line.text):
            return respond(replace(known, lines=known.lines[:index]), line.text)
    return Reply(say(_language_in_force(known), "hello"))


def _pass_on(core: DeclaredFunction | None, request: str, language: Language) -> Reply:
    """Pass a request to the core agent in the user's words."""
    if core is None:
        return Reply(language.say("cannot"))
    return Reply(language.say("moment"), (ToolCall(core.name, {"question": request}),))


def _recall(
    known: Known, heard: str, language: Language, codes: Sequence[str], *, is_named: bool
) -> str | None:
    """Answer questions about the name and the appointment from the conversation."""
    asks_name = not is_named and hears("name_asked", heard)
    taught = known.tools.find(heard, codes)
    is_about_bookings = taught is None or taught.name == "my_bookings"
    asks_both = asks_name and taught is not None
    asks_when = is_about_bookings and (asks_both or language.hears("appointment_asked", heard))
    appointment = find_appointment(known) if asks_when else None
    if not asks_name and (not asks_when or (appointment is None and known.function(CORE))):
        return None
    name = find_name(known)
    said = [language.say("name_is" if name else "name_unknown", name)] if asks_name else []
    if asks_when:
        when = appointment or language.say("appointment_unknown")
        by_name = name and appointment and not asks_name
        said.append(f"{name}, {when[0].lower()}{when[1:]}" if by_name else when)
    return " ".join(said)


def _change_preferences(known: Known, heard: str, language: Language) -> Reply | None:
    """Change the language, the manner of speaking or the voice at the user's request."""
    function = known.function("set_preferences")
    properties = function.properties if function else {}
    voices = str(properties.get("voice", {}).get("description", "")).removeprefix("One of ")
    changes: dict[str, Any] = {
        name: value
        for one in languages().values()
        for name, value in one.find_preferences(heard, voices.strip(".").split(", "))
    }
    if not changes:
        return None
    is_fixed = "language" in changes and only_language(known.instruction)
    if function is None or is_fixed or not changes.keys() <= properties.keys():
        return Reply(language.say("cannot"))
    if "asked_by_user" in properties:
        changes["asked_by_user"] = True
    # Without words: a client may take the end of a filler's turn for the end of the answer.
    return Reply("", (ToolCall(function.name, changes),))


def _codes(known: Known, heard: str) -> list[str]:
    """Return the languages that the model understands, likeliest first."""
    if only := only_language(known.instruction):
        return [only]
    return [one for one in (language_of(heard), _language_in_force(known), DEFAULT) if one]


def _is_foreign(known: Known, heard: str, codes: Sequence[str]) -> bool:
    """Return whether words are in a language that the model must not answer in."""
    others = [code for code in languages() if code not in codes]
    if only_language(known.instruction) is None:
        return False
    return language_of(heard) in others or known.tools.find(heard, others) is not None


def _language_of_user(known: Known) -> str | None:
    """Return the user's last language; texts in brackets are not the user's."""
    if only := only_language(known.instruction):
        return only
    heard = [line.text for line in known.lines if line.role == "user" and line.text[:1] != "("]
    return (language_of(heard[-1]) if heard else None) or _language_in_force(known)


def _language_in_force(known: Known) -> str | None:
    """Return the language that the newest tool answer, or else the instruction, requests."""
    answers = (line.text for line in reversed(known.lines) if line.role == "tool")
    changed = (requested_language(text) for text in answers if text.startswith("Speak "))
    return next(filter(None, changed), None) or requested_language(known.instruction)
