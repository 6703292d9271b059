"""The tools that remember, recall and forget facts about the caller."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from repartee.domain.users.notes import MAX_NOTE_CHARACTERS, MAX_NOTES
from tests.fakes.notes import FakeNotes
from tests.fakes.tool_stores import call_tool, tool_context

pytestmark = pytest.mark.unit

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=LONDON)


@pytest.fixture
def notes() -> FakeNotes:
    return FakeNotes()


def use(notes: FakeNotes, name: str, user: str = "ann", /, **arguments: object) -> dict[str, Any]:
    return call_tool(name, arguments, tool_context(user, NOW), notes=notes)


def texts(notes: FakeNotes, user: str = "ann") -> list[str]:
    return [note.text for note in notes.newest(user, limit=MAX_NOTES)]


def test_a_fact_is_remembered_recalled_and_forgotten(notes: FakeNotes) -> None:
    assert use(notes, "remember_note", text=" Prefers \n mornings. ")["status"] == "done"

    (recalled,) = use(notes, "recall_notes")["notes"]
    assert recalled["note"] == "Prefers mornings."
    assert recalled["since"] == "Friday the 27th of November"
    assert use(notes, "forget_note", note="prefers mornings.")["status"] == "done"
    again = use(notes, "forget_note", note="prefers mornings.")
    assert (again["status"], again["reason"]) == ("refused", "no_such_note")
    assert use(notes, "recall_notes")["notes"] == []


def test_a_call_that_runs_twice_notes_once(notes: FakeNotes) -> None:
    for _ in range(2):
        assert use(notes, "remember_note", text="Likes tea.")["status"] == "done"

    assert texts(notes) == ["Likes tea."]


def test_a_full_notebook_is_explained(notes: FakeNotes) -> None:
    for number in range(MAX_NOTES):
        use(notes, "remember_note", text=f"Fact {number}.")

    refused = use(notes, "remember_note", text="One more.")

    assert (refused["status"], refused["reason"]) == ("refused", "notes_full")
    assert str(MAX_NOTES) in refused["message"]


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("remember_note", {"text": "x" * (MAX_NOTE_CHARACTERS + 1)}, "text"),
        ("remember_note", {"text": ""}, "text"),
        ("remember_note", {}, "text"),
        ("remember_note", {"text": "Likes tea.", "user_id": "bob"}, "user_id"),
        ("recall_notes", {"user_id": "bob"}, "user_id"),
        ("forget_note", {}, "note"),
        ("forget_note", {"note": "Has a dog.", "user_id": "bob"}, "user_id"),
    ],
)
def test_bad_or_foreign_arguments_are_refused_by_name(
    notes: FakeNotes, name: str, arguments: dict[str, object], field: str
) -> None:
    use(notes, "remember_note", "bob", text="Has a dog.")

    result = use(notes, name, **arguments)

    assert result["status"] == "invalid"
    assert f"{field}:" in result["message"]
    assert "dog" not in json.dumps(result)
    assert (texts(notes), texts(notes, "bob")) == ([], ["Has a dog."])


def test_another_users_note_is_neither_recalled_nor_forgotten(notes: FakeNotes) -> None:
    use(notes, "remember_note", "bob", text="Has a dog.")

    assert use(notes, "recall_notes")["notes"] == []
    assert use(notes, "forget_note", note="Has a dog.")["reason"] == "no_such_note"

    assert texts(notes, "bob") == ["Has a dog."]


@pytest.mark.parametrize("text", ["  ", "\u200b", "\ufe0f\u0301"])
def test_nothing_that_can_be_seen_is_no_fact(notes: FakeNotes, text: str) -> None:
    assert use(notes, "remember_note", text=text)["status"] == "refused"


@pytest.mark.parametrize("character", ["\0", "\x1b", "\u202e"], ids=ascii)
def test_a_control_character_is_named_to_the_model_and_not_stored(
    notes: FakeNotes, character: str
) -> None:
    noted = use(notes, "remember_note", text=f"Likes{character} tea.")
    booked = use(notes, "book", date="2026-11-30", time="10:00", reason=character)

    assert (noted["status"], booked["status"]) == ("invalid", "invalid")
    assert "text: character 6 is U+" in noted["message"]
    assert "leave it out" in booked["message"]
    assert texts(notes) == []


def test_the_named_one_of_two_notes_that_differ_in_case_is_forgotten(
    notes: FakeNotes,
) -> None:
    for text in ("likes Mark", "likes mark"):
        use(notes, "remember_note", text=text)

    assert use(notes, "forget_note", note="likes Mark")["note"] == "likes Mark"
    assert use(notes, "forget_note", note="LIKES MARK")["note"] == "likes mark"


@pytest.mark.parametrize(
    "named", ["Ha\u0308tte gern Tee.", "hätte gern tee", "Hätte\u00a0gern Tee!"]
)
def test_a_note_is_forgotten_by_its_words(notes: FakeNotes, named: str) -> None:
    use(notes, "remember_note", text="Hätte gern Tee.")

    assert use(notes, "forget_note", note=named)["status"] == "done"
    assert texts(notes) == []


def test_a_fact_in_another_unicode_form_is_the_same_fact(notes: FakeNotes) -> None:
    for text in ("Mag Cafe\u0301.", "Mag Café."):
        use(notes, "remember_note", text=text)

    assert texts(notes) == ["Mag Café."]


@pytest.mark.parametrize("named", ["pays 15 euros", "...", ""])
def test_none_is_forgotten_where_two_or_no_notes_are_meant(notes: FakeNotes, named: str) -> None:
    facts = ["Pays 1.5 euros", "Pays 15 euros"]
    for text in facts:
        use(notes, "remember_note", text=text)

    assert use(notes, "forget_note", note=named)["reason"] == "no_such_note"
    assert texts(notes) == facts[::-1]
