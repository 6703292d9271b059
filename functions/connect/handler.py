"""``$connect``: spends the ticket and binds the connection to its session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import boto3  # noqa: F401 - make_client needs it; here it loads during init, at full speed
from aws_lambda_powertools import Logger

from repartee.adapters.aws.api_gateway_channel import ApiGatewayChannel
from repartee.adapters.aws.gateway_event import header_values, opening_of
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.service.call_switch import DynamoCallSwitch
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.opening_store import DynamoOpeningStore
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.ids import UlidSource
from repartee.application.connections.open_connection import ConnectionOpener
from repartee.config import ConnectSettings
from repartee.domain.errors import ConnectionRefused, StoreUnavailable
from repartee.domain.users.retention import Retention
from repartee.observability import MetricsRecorder, get_logger
from repartee.ports.metrics import Metric, Metrics
from repartee.ports.runtime import Clock

SUBPROTOCOL = "repartee.v1"


@dataclass(frozen=True, slots=True)
class Deps:
    """The function's dependencies; tests pass fakes."""

    opener: ConnectionOpener
    clock: Clock
    max_sessions: int
    max_connections: int
    log: Logger
    metrics: Metrics


def handle(event: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """Return 200 to let the connection in, any other status to refuse it."""
    opening = opening_of(
        event,
        opened_at_ms=deps.clock.now_ms(),
        max_sessions=deps.max_sessions,
        max_connections=deps.max_connections,
    )
    ids = {"connection_id": opening.connection_id, "session_id": opening.session_id}
    try:
        opened = deps.opener.open(opening)
    except ConnectionRefused as refused:
        deps.log.warning("connection refused", extra={**ids, "reason": refused.reason})
        return {"statusCode": refused.status}
    except StoreUnavailable:
        deps.log.exception("connection refused", extra={**ids, "reason": "store_unavailable"})
        deps.metrics.record({Metric.CONNECT_FAILURES: 1}, by="store_unavailable")
        return {"statusCode": 503}
    deps.log.info(
        "connection opened",
        extra={
            **ids,
            "is_new_session": opened.is_new_session,
            "superseded_session_id": opened.superseded_session_id,
            "superseded_was_told": opened.is_superseded_notified,
            "closed_connections": opened.closed_connections,
        },
    )
    return {"statusCode": 200, **_subprotocol(header_values(event, "sec-websocket-protocol"))}


def _subprotocol(offers: Sequence[str]) -> dict[str, Any]:
    """Return the header that accepts the subprotocol, if it is the client's first offer.

    A client that offers protocols and gets none may close the connection.
    """
    first = ",".join(offers).split(",")[0].strip()
    return {"headers": {"Sec-WebSocket-Protocol": first}} if first == SUBPROTOCOL else {}


@lru_cache(maxsize=1)
def build() -> Deps:
    """Build the function's dependencies, once per process."""
    settings = ConnectSettings.from_env()
    client, clock, retention = make_client(), SystemClock(), Retention(settings.retention_days)
    session_table = DynamoTable(client, settings.live_table)
    memory = DynamoTable(client, settings.memory_table)
    opener = ConnectionOpener(
        openings=DynamoOpeningStore(
            session_table=session_table, memory=memory, retention=retention
        ),
        mailbox=DynamoMailbox(session_table=session_table, clock=clock, ids=UlidSource()),
        sessions=DynamoSessionStore(session_table=session_table),
        channel=lru_cache(maxsize=1)(partial(_channel, settings.management_endpoint)),
        switch=DynamoCallSwitch(session_table=session_table),
    )
    return Deps(
        metrics=MetricsRecorder(clock),
        opener=opener,
        clock=clock,
        max_sessions=settings.max_sessions_per_user,
        max_connections=settings.max_connections_per_session,
        log=get_logger(),
    )


def _channel(endpoint: str) -> ApiGatewayChannel:
    # This loads slowly, and most openings close no connection.
    from repartee.adapters.dialect import encode

    return ApiGatewayChannel.at(endpoint, encode)


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway."""
    return handle(event, build())
