"""Reads API Gateway's events for WebSocket functions; clients control the text frame only.

Source: API Gateway developer guide, WebSocket ``$context`` variables and REQUEST authorizer input.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from repartee.domain.protocol.ticket import ConnectionIdentity
from repartee.domain.session.state import ConnectionOpening


def caller_of(event: Mapping[str, Any]) -> ConnectionIdentity:
    """Return the connection that sent a message or was closed.

    Raises:
        KeyError: The event did not pass the authorizer.
    """
    context = event["requestContext"]
    authorizer = context["authorizer"]
    return ConnectionIdentity(
        connection_id=context["connectionId"],
        user_id=authorizer["user_id"],
        session_id=authorizer["session_id"],
        conversation_id=authorizer["conversation_id"],
        connected_at_ms=int(context["connectedAt"]),
    )


def opening_of(
    event: Mapping[str, Any], *, opened_at_ms: int, max_sessions: int, max_connections: int
) -> ConnectionOpening:
    """Return the opening that a ``$connect`` requests.

    Raises:
        KeyError: The event did not pass the authorizer.
    """
    caller = caller_of(event)
    authorizer = event["requestContext"]["authorizer"]
    return ConnectionOpening(
        connection_id=caller.connection_id,
        user_id=caller.user_id,
        session_id=caller.session_id,
        conversation_id=caller.conversation_id,
        ticket_id=authorizer["ticket_id"],
        ticket_expires_at_ms=int(authorizer["ticket_expires_at_ms"]),
        opened_at_ms=opened_at_ms,
        max_sessions=max_sessions,
        max_connections=max_connections,
    )


def text_of(event: Mapping[str, Any]) -> str | None:
    """Return a message's text frame, or None for anything else."""
    if event.get("isBase64Encoded"):
        return None
    body = event.get("body")
    return body if isinstance(body, str) else None


def header_values(event: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return every value of a header; ``name`` is in lower case, the event's names in any case."""
    several: Mapping[str, Sequence[str]] = event.get("multiValueHeaders") or {}
    for key, values in several.items():
        if key.lower() == name:
            return tuple(values)
    single: Mapping[str, str] = event.get("headers") or {}
    return tuple(value for key, value in single.items() if key.lower() == name)
