"""Which of a user's sessions count as open, and the guard that serialises changes to them."""

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.session_items import number
from repartee.adapters.dynamodb.table import DynamoTable


def active_sessions(live: DynamoTable, user_id: str, now_ms: int) -> tuple[set[str], int]:
    """Return the user's open sessions and their guard's version, 0 while there is none."""
    guard = keys.active_guard(user_id)["sk"]["S"]
    active, version = set(), 0
    for item in live.query(keys.user(user_id), first=keys.ACTIVE_PREFIX, last=guard):
        sort = item["sk"]["S"]
        if sort == guard:
            version = number(item, "guard_version")
        elif number(item, "expires_at") > now_ms // 1000:
            active.add(sort.removeprefix(keys.ACTIVE_PREFIX))
    return active, version
