"""Types of values that several routes share."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import PlainSerializer, WithJsonSchema

# Ids are ULIDs. The pattern is wider, but excludes the separators of table keys.
ID_PATTERN = r"^[0-9A-Za-z_-]{1,64}$"
MAX_PAGE = 100


def rfc3339(unix_ms: int) -> str:
    """Return Unix time in ms as RFC 3339 in UTC."""
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


type Moment = Annotated[
    int,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "description": "RFC 3339, to the ms, in UTC."}
    ),
]
"""Unix time in ms that is shown as RFC 3339 in UTC."""

ConversationId = Annotated[str, Path(pattern=ID_PATTERN)]
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
