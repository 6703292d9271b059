"""Makes the answers of a WebSocket REQUEST authorizer: IAM policies, with context for routes.

Source: API Gateway developer guide, Lambda REQUEST authorizers; context values are strings there.
"""

from collections.abc import Mapping
from typing import Any

from repartee.domain.protocol.ticket import Ticket


def allow(ticket: Ticket, method_arn: str) -> dict[str, Any]:
    """Allow the ticket's holder to call ``method_arn`` only."""
    context = {
        "user_id": ticket.user_id,
        "session_id": ticket.session_id,
        "conversation_id": ticket.conversation_id,
        "ticket_id": ticket.ticket_id,
        "ticket_expires_at_ms": str(ticket.expires_at_ms),
    }
    return _policy(ticket.user_id, "Allow", method_arn, context)


def deny(method_arn: str) -> dict[str, Any]:
    """Deny the connection; API Gateway answers the client with 403."""
    return _policy("nobody", "Deny", method_arn, {})


def _policy(
    principal_id: str, effect: str, method_arn: str, context: Mapping[str, str]
) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": method_arn}
    return {
        "principalId": principal_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": dict(context),
    }
