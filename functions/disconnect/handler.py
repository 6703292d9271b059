"""``$disconnect``: notifies the session of a closed connection. No other part relies on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import boto3  # noqa: F401 - make_client needs it; here it loads during init, at full speed
from aws_lambda_powertools import Logger

from repartee.adapters.aws.gateway_event import caller_of
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.ids import UlidSource
from repartee.application.connections.close_connection import ConnectionCloser
from repartee.config import DisconnectSettings
from repartee.observability import get_logger


@dataclass(frozen=True, slots=True)
class Deps:
    """The function's dependencies; tests pass fakes."""

    closer: ConnectionCloser
    log: Logger


def handle(event: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """Notify the session; return 200 in every case, because API Gateway ignores the answer."""
    context = event["requestContext"]
    close = {
        "session_id": context.get("authorizer", {}).get("session_id"),
        "connection_id": context["connectionId"],
        "close_code": context.get("disconnectStatusCode"),
    }
    try:
        session_id = deps.closer.close(caller_of(event))
    except Exception:  # the worker learns of it later, by a 410 or the lease
        deps.log.exception("session not told of its lost connection", extra=close)
    else:
        deps.log.info("connection closed", extra={**close, "session_id": session_id})
    return {"statusCode": 200}


@lru_cache(maxsize=1)
def build() -> Deps:
    """Build the function's dependencies, once per process."""
    settings = DisconnectSettings.from_env()
    session_table, clock = DynamoTable(make_client(), settings.live_table), SystemClock()
    closer = ConnectionCloser(
        connections=DynamoConnectionStore(session_table=session_table),
        mailbox=DynamoMailbox(session_table=session_table, clock=clock, ids=UlidSource()),
        sessions=DynamoSessionStore(session_table=session_table),
        clock=clock,
        grace_ms=settings.grace_s * 1000,
    )
    return Deps(closer=closer, log=get_logger())


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway."""
    return handle(event, build())
