from typing import Annotated, Self

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.identity import UserId
from http_api.paging import Cursor, open_cursor
from http_api.problem_kinds import may_answer
from http_api.problems import Problem
from http_api.values import ID_PATTERN, Moment, PageLimit
from repartee.adapters.cursors import Listing
from repartee.domain.users.notes import Note, NoteUnknown

router = APIRouter()

NoteId = Annotated[str, Path(pattern=ID_PATTERN)]


class NoteView(BaseModel):
    """A fact that the user asked to remember."""

    note_id: str
    text: str
    noted_at: Moment

    @classmethod
    def of(cls, note: Note) -> Self:
        """Show ``note``."""
        return cls(note_id=note.note_id, text=note.text, noted_at=note.noted_at_ms)


class NoteList(BaseModel):
    """The user's notes, the newest first.

    Attributes:
        next_after: The value of ``after`` for older ones; null if there are none.
    """

    notes: list[NoteView]
    next_after: str | None


@router.get("/me/notes")
def list_notes(
    deps: Dependencies, user_id: UserId, limit: PageLimit = 20, after: Cursor = None
) -> NoteList:
    """List the user's notes, a page at a time."""
    (before,) = open_cursor(deps, Listing.NOTES, user_id, after) or (None,)
    found = deps.forgetter.notes.newest(user_id, limit=limit + 1, before=before)
    page = [NoteView.of(note) for note in found[:limit]]
    next_after = None
    if len(found) > limit:
        next_after = deps.cursors.seal(Listing.NOTES, user_id, page[-1].note_id)
    return NoteList(notes=page, next_after=next_after)


@router.delete(
    "/me/notes/{note_id}",
    status_code=204,
    response_description="The note is deleted",
    responses=may_answer("note_unknown"),
)
def forget_note(deps: Dependencies, user_id: UserId, note_id: NoteId) -> Response:
    """Delete one note, also in open sessions."""
    try:
        is_every_session_notified = deps.forgetter.forget(user_id, note_id)
    except NoteUnknown:
        raise Problem("note_unknown") from None
    if not is_every_session_notified:
        deps.log.warning("sessions not told of a note")
    return Response(status_code=204)
