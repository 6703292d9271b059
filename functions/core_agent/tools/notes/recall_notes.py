from datetime import UTC, datetime

from core_agent.spoken_forms import spoken_forms
from core_agent.tools.arguments import Arguments
from core_agent.tools.stores import Stores
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus
from repartee.domain.users.notes import MAX_NOTES, Note


class RecallNotesArguments(Arguments):
    """No arguments: the notes are the caller's."""


def recall_notes(stores: Stores, context: ToolContext) -> Tool[RecallNotesArguments]:
    """Make the tool that lists the notes about the caller."""

    def run(_arguments: RecallNotesArguments) -> ToolResult:
        kept = stores.notes.newest(context.user_id, limit=MAX_NOTES)
        message = "" if kept else "Nothing is noted about the caller."
        return ToolResult(ToolStatus.DONE, message, {"notes": [_fields(note) for note in kept]})

    def _fields(note: Note) -> dict[str, str]:
        forms = spoken_forms(context.language)
        noted = datetime.fromtimestamp(note.noted_at_ms / 1000, UTC).astimezone(context.now.tzinfo)
        return {"note": note.text, "since": forms.day(noted.date(), context.today)}

    return Tool(
        name="recall_notes",
        description=(
            "List all notes about the caller, newest first. "
            "Use it when the caller asks what you know or have noted about them, "
            "and before you call forget_note."
        ),
        arguments=RecallNotesArguments,
        run=run,
        is_read_only=True,
    )
