"""``$disconnect``: tells the session that its connection has gone. Nothing relies on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3  # noqa: F401 - make_client wants it; here it loads during init, at full speed
from aws_lambda_powertools import Logger

from repartee.adapters.aws.gateway_event import caller_of
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.ids import UlidSource
from repartee.application.connections.close_connection import close_connection
from repartee.config import DisconnectSettings
from repartee.observability import get_logger
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, Mailbox, SessionStore


@dataclass(frozen=True, slots=True)
class Deps:
    """All that the function works with; tests bring fakes."""

    connections: ConnectionStore
    mailbox: Mailbox
    sessions: SessionStore
    clock: Clock
    log: Logger
    grace_ms: int


def handle(event: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """Do what can be done; the answer is 200 whatever happens, since nobody waits for it."""
    context = event["requestContext"]
    close = {
        "connection_id": context["connectionId"],
        "close_code": context.get("disconnectStatusCode"),
    }
    try:
        caller = caller_of(event)
        session_id = close_connection(
            caller,
            grace_ms=deps.grace_ms,
            connections=deps.connections,
            mailbox=deps.mailbox,
            sessions=deps.sessions,
            clock=deps.clock,
        )
    except Exception:  # lease expiry and 410 tell the session as well, only later
        deps.log.exception("session not told of its lost connection", extra=close)
    else:
        deps.log.info("connection closed", extra={**close, "session_id": session_id})
    return {"statusCode": 200}


@lru_cache(maxsize=1)
def build() -> Deps:
    """Wire the function up, once per process."""
    settings = DisconnectSettings.from_env()
    session_table, clock = DynamoTable(make_client(), settings.live_table), SystemClock()
    return Deps(
        connections=DynamoConnectionStore(session_table=session_table),
        mailbox=DynamoMailbox(session_table=session_table, clock=clock, ids=UlidSource()),
        sessions=DynamoSessionStore(session_table=session_table),
        clock=clock,
        log=get_logger(),
        grace_ms=settings.grace_s * 1000,
    )


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway."""
    return handle(event, build())
