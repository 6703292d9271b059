"""Reads which sessions of a user count as open, and the guard that serialises changes."""

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.sessions.items import number, text
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.session.state import ActiveSession


def active_sessions(
    session_table: DynamoTable, user_id: str, now_ms: int
) -> tuple[dict[str, ActiveSession], int]:
    """Return the user's open sessions and their guard's version, 0 without a guard."""
    guard = keys.active_guard(user_id)["sk"]["S"]
    active, version = dict[str, ActiveSession](), 0
    for item in session_table.query(keys.user(user_id), first=keys.ACTIVE_PREFIX, last=guard):
        sort = item["sk"]["S"]
        if sort == guard:
            version = number(item, "guard_version")
        elif (expires_at := number(item, "expires_at")) > now_ms // 1000:
            active[sort.removeprefix(keys.ACTIVE_PREFIX)] = ActiveSession(
                text(item, "connection_id") or "",
                # 0.1.0 does not write it.
                number(item, "opened_at_ms") if "opened_at_ms" in item else 0,
                expires_at * 1000,
            )
    return active, version
