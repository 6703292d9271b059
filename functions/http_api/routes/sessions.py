from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from http_api.bodies import CheckedRoute
from http_api.deps import Dependencies
from http_api.identity import UserId
from http_api.problem_kinds import may_answer
from http_api.values import ID_PATTERN, Moment
from repartee.adapters.dialect import FEATURES

router = APIRouter(route_class=CheckedRoute)

Id = Annotated[str, Field(pattern=ID_PATTERN)]


class SessionRequest(BaseModel):
    """The session to open a connection for.

    Attributes:
        conversation_id: If absent, the latest conversation is continued; ``"new"`` starts one.
        session_id: A session to come back to after a lost connection.
    """

    model_config = ConfigDict(extra="forbid")

    conversation_id: Id | None = None
    session_id: Id | None = None


class SessionTicket(BaseModel):
    """A ticket, good for one connection.

    Attributes:
        url: The URL of the connection, with the ticket.
        features: The server's features beyond protocol version 1, for the first ``hello``.
    """

    session_id: str
    conversation_id: str
    ticket: str
    expires_at: Moment
    url: str
    features: tuple[str, ...] = FEATURES


@router.post(
    "/sessions",
    status_code=201,
    responses=may_answer(
        "conversation_unknown",
        "session_unknown",
        "session_ended",
        "too_many_sessions",
        "daily_limit_reached",
        "calls_stopped",
    ),
)
def create_session(
    deps: Dependencies, user_id: UserId, wanted: SessionRequest | None = None
) -> SessionTicket:
    """Return a ticket, which opens one connection to the WebSocket API within 60 s."""
    wanted = wanted or SessionRequest()
    started = deps.starter.start(
        user_id, conversation_id=wanted.conversation_id, session_id=wanted.session_id
    )
    ticket = started.ticket
    return SessionTicket(
        session_id=ticket.session_id,
        conversation_id=ticket.conversation_id,
        ticket=started.token,
        expires_at=ticket.expires_at_ms,
        url=f"{deps.websocket_url}?{urlencode({'ticket': started.token})}",
    )
