from typing import Annotated

from pydantic import Field

from core_agent.tools.arguments import Arguments
from core_agent.tools.stores import Stores
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus
from repartee.domain.users.notes import MAX_NOTE_CHARACTERS, MAX_NOTES, NoteUnknown


class ForgetNoteArguments(Arguments):
    """The note to forget."""

    note: Annotated[
        str,
        Field(
            max_length=MAX_NOTE_CHARACTERS,
            description="The note to forget, word for word as recall_notes gave it.",
        ),
    ]


def forget_note(stores: Stores, context: ToolContext) -> Tool[ForgetNoteArguments]:
    """Make the tool that deletes one note about the caller."""

    def run(arguments: ForgetNoteArguments) -> ToolResult:
        wanted = " ".join(arguments.note.split())
        kept = stores.notes.newest(context.user_id, limit=MAX_NOTES)
        # If two notes differ only in case, the exact match is deleted.
        for note in sorted(kept, key=lambda note: note.text != wanted):
            if note.text.casefold() == wanted.casefold():
                try:
                    stores.notes.remove(context.user_id, note.note_id)
                except NoteUnknown:
                    break
                return ToolResult(ToolStatus.DONE, "I have forgotten that.", {"note": note.text})
        advice = "There is no such note. Call recall_notes before you answer."
        return ToolResult(ToolStatus.REFUSED, advice, {"reason": "no_such_note"})

    return Tool(
        name="forget_note",
        description="Delete one note about the caller, when the caller asks to forget it.",
        arguments=ForgetNoteArguments,
        run=run,
    )
