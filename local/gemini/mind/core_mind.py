"""The core mind: a tool-using chat model as rules over one generateContent request.

The rules are pure functions: from the system instruction, the contents and the declared functions
they derive function calls or one speakable text. The present time comes from the instruction.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

from local.gemini.mind import notebook, notes
from local.gemini.mind.facts import find_name
from local.gemini.mind.findings import Finding, Slot, read_finding, say_list, slot_of
from local.gemini.mind.intents import Intent, Request, choose, completed, fill, understand
from local.gemini.mind.known import DeclaredFunction, Known, Line, ToolCall
from local.gemini.mind.languages import DEFAULT, language_of, languages, requested_language
from local.gemini.mind.repeated_turn import Begun, read_begun_tool_calls
from local.gemini.mind.taught_tools import TaughtRequest
from local.gemini.mind.times import When, speak_date, speak_time
from local.gemini.mind.tool_files import SHOWN_FOLDER, ToolBook, project_tools

OFFERED_SLOTS = 3
NO_SUCH = "I find no such appointment of yours."
SORRY = "I am sorry, that did not work."


@dataclass(frozen=True, slots=True)
class Step:
    """A call for the question, and its answer if there is one."""

    call: ToolCall
    response: Any = None


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


@dataclass(frozen=True, slots=True)
class _Case:
    """One question: the request, the functions and the findings so far."""

    request: Request
    functions: Sequence[DeclaredFunction]
    findings: dict[Intent, Finding]
    now: datetime

    def asks(self, intent: Intent, request: Request | None = None) -> Answer | None:
        """Return a call for ``intent``, None if no function fits or an argument is unknown."""
        function = choose(self.functions, intent)
        if function is None:
            return None
        arguments, missing = fill(function, request or self.request, self.now)
        return None if missing else Answer(calls=(ToolCall(function.name, arguments),))

    def can(self, intent: Intent) -> bool:
        return choose(self.functions, intent) is not None


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
    book = project_tools() if tools is None else tools
    now = read_now(instruction) or now
    asked = max(
        (i for i, one in enumerate(messages) if one.role == "user" and one.text), default=None
    )
    if asked is None:
        return Answer("How can I help you?")
    if notes.is_asked(instruction):
        return Answer(notes.take_notes(messages[asked].text))
    steps = _steps(messages[asked + 1 :])
    question, begun_calls = messages[asked].text, read_begun_tool_calls(instruction)
    codes = language_of(question), requested_language(instruction), DEFAULT
    if taught := _taught(book, question, codes, steps, functions, begun_calls, now):
        return _as_answer(taught.next_step())
    if noting := notebook.understand(question):
        calls = [(step.call, step.response) for step in steps]
        return _as_answer(notebook.serve(noting, calls, functions, begun_calls))
    request = _request(messages[: asked + 1], instruction)
    if request.intent is None:
        return Answer(_not_understood(book, functions, next(code for code in codes if code)))
    findings = {
        intent: read_finding(step.response, step.call.args)
        for step in steps
        if (intent := _intent_of(step.call.name, functions)) is not None
    }
    case = _Case(request, functions, findings, now)
    if begun := _begun_before(case, begun_calls):
        if begun.answer is not None:
            return Answer(begun.answer)
        found = findings.get(request.intent)
        if found is None:
            return Answer(calls=(begun.call,))
        if request.intent is Intent.CANCEL:
            # A missing appointment was cancelled before the turn was interrupted.
            findings[Intent.CANCEL] = replace(found, ok=True)
    answer = _RULES[request.intent](case)
    # "p.m." already ends with a full stop.
    return replace(answer, text=answer.text.replace("..", "."))


def _taught(
    book: ToolBook,
    question: str,
    codes: Sequence[str | None],
    steps: Sequence[Step],
    functions: Sequence[DeclaredFunction],
    begun: Sequence[Begun],
    now: datetime,
) -> TaughtRequest | None:
    declared = {one.name: one for one in functions}
    taught = book.only(declared).find(question, codes)
    if taught is None:
        return None
    return TaughtRequest(
        taught,
        question,
        declared[taught.name],
        {step.call.name: step.response for step in steps},
        begun,
        now,
        is_localised=taught.language == (codes[1] or DEFAULT),
    )


def _not_understood(book: ToolBook, functions: Sequence[DeclaredFunction], code: str) -> str:
    """Return an apology; if a tool has no file, it says where to add one."""
    names = {one.name for one in functions}
    known = {
        name
        for name in names
        if name in book.names or _intent_of(name, functions) or notebook.serves(name)
    }
    language = languages()[code]
    if not names - known:
        return language.says.not_understood
    return language.says.no_file.format(
        known=language.say_list(sorted(known)),
        missing=language.say_list(sorted(names - known)),
        folder=SHOWN_FOLDER,
    )


def _as_answer(served: ToolCall | str) -> Answer:
    return Answer(served) if isinstance(served, str) else Answer(calls=(served,))


def _begun_before(case: _Case, begun: Sequence[Begun]) -> Begun | None:
    """Return the call that the interrupted turn began for the same request, if any."""
    wanted = case.request.old if case.request.intent is Intent.CANCEL else case.request.when
    day = wanted.on(case.now)
    for one in begun:
        slot = slot_of(one.call.args)
        if _intent_of(one.call.name, case.functions) is not case.request.intent or slot is None:
            continue
        if day in (None, slot.day) and wanted.at in (None, slot.at):
            return one
    return None


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


def _request(messages: Sequence[Message], instruction: str) -> Request:
    request = understand(messages[-1].text)
    earlier = [one for one in messages[:-1] if one.text]
    asked_back = bool(earlier) and earlier[-1].role == "model" and "?" in earlier[-1].text
    bare = request.intent is None or (request.intent is Intent.BOOK and not request.when.has_day)
    if asked_back and bare:
        for one in reversed(earlier):
            if one.role == "user" and (before := understand(one.text)).intent:
                request = completed(request, before)
                break
    if request.name is None:
        lines = [Line(one.role, one.text) for one in messages]
        request = replace(request, name=find_name(Known(instruction, (), lines)))
    return request


def _steps(messages: Sequence[Message]) -> list[Step]:
    calls = [call for one in messages for call in one.calls]
    answers = [answer for one in messages for _, answer in one.responses]
    return [Step(call, answer) for call, answer in zip(calls, answers, strict=False)]


def _intent_of(name: str, functions: Sequence[DeclaredFunction]) -> Intent | None:
    for intent in Intent:
        function = choose(functions, intent)
        if function and function.name == name:
            return intent
    return None


def _book(case: _Case) -> Answer:
    if done := case.findings.get(Intent.BOOK):
        if done.ok:
            when = done.when or _when(case.request.when, case.now)
            return Answer(f"Your appointment is booked for {when}.")
        return _offer(case, done)
    wanted = case.request.when
    if wanted.on(case.now) is None:
        return Answer("Which day would you like to come?")
    if wanted.at is None:
        return _free(case)
    return case.asks(Intent.BOOK) or Answer(_cannot(case, Intent.BOOK, "book appointments"))


def _offer(case: _Case, refused: Finding) -> Answer:
    """Offer other slots if the requested one is not free."""
    free = case.findings.get(Intent.FREE)
    slots = refused.slots or (free.slots if free else ())
    if not slots and free is None and not refused.says_why and (ask := case.asks(Intent.FREE)):
        return ask
    why = refused.text or "I am sorry, that time is not free."
    if why.endswith("?"):
        return Answer(why)
    if not slots:
        return Answer(f"{why} Which other day would suit you?")
    day = case.request.when.on(case.now)
    offered = _nearest(slots, case.request.when.at)
    on = f" on {speak_date(day)}" if day and not any(slot.day for slot in offered) else ""
    named = say_list([slot.spoken for slot in offered], "or")
    if all(slot.spoken in why for slot in offered):
        return Answer(why)
    return Answer(f"{why} I can offer {named}{on}. Which would you like?")


def _free(case: _Case) -> Answer:
    if case.request.when.on(case.now) is None:
        return Answer("For which day shall I look?")
    found = case.findings.get(Intent.FREE)
    if found is None:
        return case.asks(Intent.FREE) or Answer(_cannot(case, Intent.FREE, "see the free slots"))
    if not found.ok:
        return Answer(found.text or SORRY)
    day = case.request.when.on(case.now)
    on = speak_date(day) if day else "that day"
    slots = _of_part(found.slots, case.request.when.part)
    if slots:
        named = say_list([slot.spoken for slot in slots[: OFFERED_SLOTS * 2]], "and")
        more = ", and more" if len(slots) > OFFERED_SLOTS * 2 else ""
        return Answer(f"On {on} there is {named}{more}. What time would you like?")
    return Answer(found.text or f"On {on} there is nothing free. Which other day would suit you?")


def _cancel(case: _Case) -> Answer:
    if done := case.findings.get(Intent.CANCEL):
        if not done.ok:
            return Answer(done.text or NO_SUCH)
        when = done.when or _when(case.request.old, case.now)
        on = f" on {when}" if when else ""
        return Answer(f"Your appointment{on} is cancelled.")
    chosen = _chosen(case)
    if isinstance(chosen, Answer):
        return chosen
    request = replace(case.request, old=chosen, when=chosen)
    return case.asks(Intent.CANCEL, request) or Answer(_cannot(case, Intent.CANCEL, "cancel it"))


def _move(case: _Case) -> Answer:
    if done := case.findings.get(Intent.MOVE):
        if done.ok:
            when = done.when or _when(case.request.when, case.now)
            return Answer(f"Your appointment is moved to {when}.")
        return _offer(case, done)
    if not case.request.when.has_day or case.request.when.at is None:
        missing = "day" if not case.request.when.has_day else "time"
        return Answer(f"To which {missing} shall I move it?")
    chosen = _chosen(case)
    if isinstance(chosen, Answer):
        return chosen
    request = replace(case.request, old=chosen)
    return case.asks(Intent.MOVE, request) or Answer(_cannot(case, Intent.MOVE, "move it"))


def _chosen(case: _Case) -> When | Answer:
    """Return the requested appointment: the named one, else the caller's only one."""
    named = case.request.old
    if named.has_day and named.at:
        return named
    mine = case.findings.get(Intent.MINE)
    if mine is None:
        return case.asks(Intent.MINE) or (named if named.has_day else Answer("Which one?"))
    slots = [slot for slot in mine.slots if slot.day]
    if day := named.on(case.now):
        slots = [slot for slot in slots if slot.day == day]
    if named.at:
        slots = [slot for slot in slots if slot.at == named.at]
    if not slots:
        return Answer(NO_SUCH)
    if len(slots) > 1:
        named_slots = say_list([slot.spoken for slot in slots], "and")
        return Answer(f"You have appointments on {named_slots}. Which one do you mean?")
    return When(exact=slots[0].day, at=slots[0].at)


def _hours(case: _Case) -> Answer:
    found = case.findings.get(Intent.HOURS)
    if found is None:
        if ask := case.asks(Intent.HOURS):
            return ask
        if case.can(Intent.HOURS):
            return Answer("For which day would you like to know the opening hours?")
        return Answer(_cannot(case, Intent.HOURS, "see the opening hours"))
    return Answer(found.hours or found.text or SORRY)


def _mine(case: _Case) -> Answer:
    found = case.findings.get(Intent.MINE)
    if found is None:
        return case.asks(Intent.MINE) or Answer(_cannot(case, Intent.MINE, "see your appointments"))
    slots = [slot.spoken for slot in found.slots]
    if len(slots) == 1:
        return Answer(f"Your appointment is on {slots[0]}.")
    if slots:
        return Answer(f"You have appointments on {say_list(slots, 'and')}.")
    return Answer(found.text if found.text else "You have no appointments.")


def _cannot(case: _Case, intent: Intent, what: str) -> str:
    if not case.can(intent):
        return f"I am sorry, I cannot {what}."
    if case.request.name is None:
        return "May I have your name, please?"
    return "Could you tell me the day and the time, please?"


def _when(when: When, now: datetime) -> str:
    day = when.on(now)
    parts = [speak_date(day) if day else "", speak_time(when.at) if when.at else ""]
    return " at ".join(part for part in parts if part)


def _nearest(slots: Sequence[Slot], at: time | None) -> list[Slot]:
    def distance(slot: Slot) -> int:
        if at is None or slot.at is None:
            return 0
        return abs((slot.at.hour - at.hour) * 60 + slot.at.minute - at.minute)

    nearest = sorted(slots, key=distance)[:OFFERED_SLOTS]
    return sorted(nearest, key=slots.index)


def _of_part(slots: Sequence[Slot], part: str | None) -> Sequence[Slot]:
    bounds = {"morning": (0, 12), "afternoon": (12, 17), "evening": (17, 24)}
    if part not in bounds:
        return slots
    low, high = bounds[part]
    return [slot for slot in slots if slot.at and low <= slot.at.hour < high] or slots


_RULES = {
    Intent.BOOK: _book,
    Intent.CANCEL: _cancel,
    Intent.MOVE: _move,
    Intent.FREE: _free,
    Intent.HOURS: _hours,
    Intent.MINE: _mine,
}
