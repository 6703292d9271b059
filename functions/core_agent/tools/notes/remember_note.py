from typing import Annotated

from pydantic import Field

from core_agent.tools.arguments import ONE_LINE, Arguments
from core_agent.tools.stores import Stores
from repartee.domain.tools.tool import Tool, ToolContext, ToolResult, ToolStatus
from repartee.domain.users.notes import MAX_NOTE_CHARACTERS, MAX_NOTES, NotesFull


class RememberNoteArguments(Arguments):
    """The fact to remember."""

    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_NOTE_CHARACTERS,
            description="One fact about the caller, as a short sentence, such as: Likes mornings.",
        ),
        ONE_LINE,
    ]


def remember_note(stores: Stores, context: ToolContext) -> Tool[RememberNoteArguments]:
    """Make the tool that keeps a fact about the caller."""

    def run(arguments: RememberNoteArguments) -> ToolResult:
        if not arguments.text:
            return ToolResult(ToolStatus.REFUSED, "Ask the caller what to remember.")
        try:
            note = stores.notes.add(context.user_id, arguments.text, noted_at_ms=context.now_ms)
        except NotesFull:
            advice = f"There are {MAX_NOTES} notes, which is the limit. Ask which one to forget."
            return ToolResult(ToolStatus.REFUSED, advice, {"reason": "notes_full"})
        return ToolResult(ToolStatus.DONE, "I will remember that.", {"note": note.text})

    return Tool(
        name="remember_note",
        description=(
            "Keep a fact about the caller for later conversations. "
            "Use it when the caller asks you to remember or note something about them."
        ),
        arguments=RememberNoteArguments,
        run=run,
    )
