"""Reads one stored exchange of core_agent."""

from repartee.domain.tools.core_calls import Exchange, ToolCallKey
from repartee.ports.answers import ToolCallStore


def stored_exchange(
    calls: ToolCallStore, conversation_id: str, key: ToolCallKey
) -> Exchange | None:
    """Return the newest finished exchange at a place of one of the last 100."""
    found = [one for one in calls.recent(conversation_id, limit=100) if one.key == key]
    return found[-1] if found else None
