"""The simulator's wishes about notes: which they are, and how its core mind serves them."""

from datetime import datetime
from typing import Any

import pytest

from local.gemini.mind.core_mind import Answer, Message, respond
from local.gemini.mind.known import DeclaredFunction, Known, ToolCall
from local.gemini.mind.languages import says
from local.gemini.mind.mind import respond as reply_to
from local.gemini.mind.notebook import NO_SUCH, NOTHING, SORRY, NoteWish, Noting, understand
from repartee.domain.tools.core_calls import Attempt, BegunTool
from repartee.domain.tools.core_prompt import repeated_turn_note

pytestmark = pytest.mark.unit

TEXT = {"type": "STRING"}
NOTES = (
    DeclaredFunction(
        "remember_note", "Keep a fact about the caller.", {"properties": {"text": TEXT}}
    ),
    DeclaredFunction("recall_notes", "List all that was noted.", {"properties": {}}),
    DeclaredFunction("forget_note", "Forget one note.", {"properties": {"note": TEXT}}),
)
CORE = DeclaredFunction(
    "ask_core_agent", "", {"properties": {"question": TEXT}, "required": ["question"]}
)
KEPT = {"notes": [{"note": "Has a dog called Rex", "since": "today"}, {"note": "Likes mornings"}]}
DONE = {"output": '{"status": "done", "message": "I will remember that."}'}
REFUSED = {"status": "refused", "message": "There is no such note."}


def ask(
    text: str, *steps: tuple[ToolCall, Any], instruction: str = "", tools: Any = NOTES
) -> Answer:
    messages = [Message("user", text)]
    for call, answer in steps:
        messages.append(Message("model", calls=(call,)))
        messages.append(Message("user", responses=((call.name, answer),)))
    return respond(instruction, messages, tools, datetime(2026, 11, 20))  # noqa: DTZ001 - local time


@pytest.mark.parametrize(
    ("text", "noting"),
    [
        ("Remember that I like mornings.", Noting(NoteWish.REMEMBER, "I like mornings")),
        ("please make a note that my dog is ill", Noting(NoteWish.REMEMBER, "My dog is ill")),
        ("don't forget that i am deaf", Noting(NoteWish.REMEMBER, "I am deaf")),
        ("What do you know about me?", Noting(NoteWish.RECALL)),
        ("what have you noted", Noting(NoteWish.RECALL)),
        ("Forget that I like mornings!", Noting(NoteWish.FORGET, "I like mornings")),
        ("please forget about my dog", Noting(NoteWish.FORGET, "My dog")),
        ("do you remember my name and the time of my appointment", None),
        ("do you remember that i like mornings", None),
        ("what do you know about my appointment", None),
        ("forget it", None),
        ("book an appointment on friday at three", None),
    ],
)
def test_a_wish_about_notes_is_distinguished_from_others(text: str, noting: Noting | None):
    assert understand(text) == noting


def test_a_fact_is_noted_in_the_callers_words():
    call = ToolCall("remember_note", {"text": "I like mornings"})

    assert ask("remember that I like mornings").calls == (call,)
    assert ask("remember that I like mornings", (call, DONE)).text == "I will remember that."
    full = {"status": "refused", "message": "There are 100 notes, which is the limit."}
    assert ask("remember that I like mornings", (call, full)).text == full["message"]


def test_it_recites_the_notes_and_nothing_else():
    call = ToolCall("recall_notes", {})

    assert ask("what do you know about me").calls == (call,)
    reply = ask("what do you know about me", (call, KEPT)).text
    assert reply == "You had me note: Has a dog called Rex and Likes mornings."
    assert ask("what do you know about me", (call, {"notes": []})).text == NOTHING


def test_the_note_that_is_meant_is_forgotten_word_for_word():
    recall = (ToolCall("recall_notes", {}), KEPT)
    forget = ToolCall("forget_note", {"note": "Has a dog called Rex"})

    assert ask("forget about the dog").calls == (recall[0],)
    assert ask("forget about the dog", recall).calls == (forget,)
    done = {"status": "done", "note": "Has a dog called Rex"}
    assert ask("forget about the dog", recall, (forget, done)).text == "I have forgotten that."
    assert ask("forget about the dog", recall, (forget, REFUSED)).text == NO_SUCH
    assert ask("forget about my cat", recall).text == NO_SUCH


def test_a_note_that_a_cut_off_turn_deleted_is_not_missed():
    arguments = '{"note":"Likes mornings"}'
    tool = BegunTool("forget_note", arguments)
    unknown = repeated_turn_note([Attempt("asked before", (tool,), None)])
    forget = ToolCall("forget_note", {"note": "Likes mornings"})

    again = ask("forget about mornings", instruction=unknown)
    assert again.calls == (forget,)
    reply = ask("forget about mornings", (forget, REFUSED), instruction=unknown)
    assert reply.text == "I have forgotten that."
    known = repeated_turn_note([Attempt("asked before", (tool,), "It is forgotten.")])
    assert ask("forget about mornings", instruction=known) == Answer("It is forgotten.")


def test_without_a_tool_for_notes_it_says_that_it_cannot():
    assert ask("remember that I like mornings", tools=()).text == SORRY


def test_the_voice_asks_the_core_agent_in_the_users_words():
    for text in ("Remember that I like mornings.", "what do you know about me?"):
        reply = reply_to(Known("", (CORE,)), text, spoken=False)
        assert reply.say == says(None).moment
        assert reply.calls == (ToolCall("ask_core_agent", {"question": text}),)
    assert reply_to(Known(), "remember that I like mornings").say == says(None).cannot
