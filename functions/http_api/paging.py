"""Opens cursors of lists; a cursor names a place and no index, because lists change."""

from typing import Annotated

from fastapi import Query

from http_api.deps import Deps
from http_api.problems import Problem
from repartee.adapters.cursors import MAX_CURSOR_CHARACTERS, Listing
from repartee.domain.errors import CursorRefused

Cursor = Annotated[str | None, Query(max_length=MAX_CURSOR_CHARACTERS)]


def open_cursor(
    deps: Deps, listing: Listing, user_id: str, after: str | None
) -> tuple[str, ...] | None:
    """Return the place that the cursor ``after`` was sealed for, None without a cursor.

    Raises:
        Problem: The cursor belongs to another user or list, or its key was replaced.
        StoreUnavailable: The key could not be read.
    """
    if after is None:
        return None
    try:
        return deps.cursors.open(listing, user_id, after)
    except CursorRefused:
        advice = "this is not a cursor of this user for this list: leave after out to start again"
        raise Problem("invalid_request", advice, field="after") from None
