from dataclasses import dataclass


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
