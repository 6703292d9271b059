from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated
from unicodedata import normalize

from pydantic import Field

from core_agent.tools.arguments import Arguments
from core_agent.tools.stores import Stores
from repartee.domain.text.characters import one_line
from repartee.domain.text.words import words_of
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus
from repartee.domain.users.notes import MAX_NOTE_CHARACTERS, MAX_NOTES, Note, NoteUnknown


class ForgetNoteArguments(Arguments):
    """The note to forget."""

    note: Annotated[
        str,
        Field(
            max_length=MAX_NOTE_CHARACTERS,
            description="The note to forget, word for word as recall_notes gave it.",
        ),
    ]


def _find(kept: Sequence[Note], wanted: str) -> Note | None:
    """Return the note with this text, or else the only one with the same words."""
    line = normalize("NFC", one_line(wanted))
    for note in kept:
        if note.text == line:
            return note
    alike = [note for note in kept if words_of(note.text) == words_of(line)]
    return alike[0] if len(alike) == 1 and words_of(line) else None


def forget_note(stores: Stores, context: ToolContext) -> Tool[ForgetNoteArguments]:
    """Make the tool that deletes one note about the caller."""

    def run(arguments: ForgetNoteArguments) -> ToolResult:
        note = _find(stores.notes.newest(context.user_id, limit=MAX_NOTES), arguments.note)
        if note is not None:
            with suppress(NoteUnknown):
                stores.notes.remove(context.user_id, note.note_id)
                return ToolResult(ToolStatus.DONE, "I have forgotten that.", {"note": note.text})
        advice = "There is no such note. Call recall_notes before you answer."
        return ToolResult(ToolStatus.REFUSED, advice, {"reason": "no_such_note"})

    return Tool(
        name="forget_note",
        description="Delete one note about the caller, when the caller asks to forget it.",
        arguments=ForgetNoteArguments,
        run=run,
    )
