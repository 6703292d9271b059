"""The ticket that opens one connection, and the identity that the connection has from then on."""

from dataclasses import dataclass

# A client connects as soon as it has its ticket; a minute covers slow lines and cold starts.
TICKET_LIFETIME_MS = 60_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """A signed, short-lived permission to open one connection; all its ids come from here.

    Attributes:
        ticket_id: Can be used by one connection only.
        expires_at_ms: Unix time in ms from which the ticket is refused.
    """

    ticket_id: str
    user_id: str
    session_id: str
    conversation_id: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class ConnectionIdentity:
    """The user, session and conversation of a connection, as passed on by the authorizer.

    Attributes:
        connected_at_ms: When API Gateway opened the connection, Unix time in ms.
    """

    connection_id: str
    user_id: str
    session_id: str
    conversation_id: str
    connected_at_ms: int
