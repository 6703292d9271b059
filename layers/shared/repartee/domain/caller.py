from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on a connection, as the authorizer said when it was opened."""

    connection_id: str
    user_id: str
    session_id: str
    conversation_id: str
