"""The ticket: a signed, short-lived, single-use right to open one connection."""

from dataclasses import dataclass

# A client connects as soon as it has its ticket; a minute covers slow lines and cold starts.
TICKET_LIFETIME_MS = 60_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """Who may connect, and to what; all ids of a connection come from here.

    Attributes:
        ticket_id: Spent by the connection that it opens.
        expires_at_ms: Unix time in ms from which the ticket is refused.
    """

    ticket_id: str
    user_id: str
    session_id: str
    conversation_id: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class ConnectionIdentity:
    """Who is on a connection, as the authorizer said when it was opened.

    Attributes:
        connected_at_ms: When API Gateway opened the connection, Unix time in ms.
    """

    connection_id: str
    user_id: str
    session_id: str
    conversation_id: str
    connected_at_ms: int
