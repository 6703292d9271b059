"""``$default``: puts one client message into its session's mailbox and wakes a stream agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger

from repartee.adapters.aws.api_gateway_channel import ApiGatewayChannel
from repartee.adapters.aws.gateway_event import caller_of, text_of
from repartee.adapters.aws.lambda_worker_pool import LambdaWorkerPool
from repartee.adapters.clock import SystemClock
from repartee.adapters.dialect import encode, parser
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.ids import UlidSource
from repartee.application.connections.route_message import MessageRouter
from repartee.config import MessageSettings
from repartee.observability import MetricsRecorder, get_logger
from repartee.ports.metrics import Metric, Metrics

# Imported with the function, because Lambda gives the start of a process more processor time.
_parse = parser()


@dataclass(frozen=True, slots=True)
class Deps:
    """The function's dependencies; tests pass fakes."""

    router: MessageRouter
    log: Logger
    metrics: Metrics


def handle(event: Mapping[str, Any], deps: Deps) -> dict[str, Any]:
    """Route the message; the use case posts every answer to the client."""
    caller = caller_of(event)
    routed = deps.router.route(caller, text_of(event))
    # Most messages are audio and succeed. A line for each would cost as much as its handling.
    if routed.rejected or routed.troubles:
        deps.log.warning(
            "message not fully handled",
            extra={
                "connection_id": caller.connection_id,
                "session_id": caller.session_id,
                "message_type": routed.kind,
                "rejected": routed.rejected,
                "troubles": [str(trouble) for trouble in routed.troubles],
            },
        )
        for trouble in routed.troubles:
            deps.metrics.record({Metric.TROUBLES: 1}, by=trouble)
    if routed.woke:
        deps.log.info(
            "worker woken",
            extra={"session_id": caller.session_id, "message_type": routed.kind},
        )
    return {"statusCode": 200}


@lru_cache(maxsize=1)
def build() -> Deps:
    """Build the function's dependencies, once per process."""
    settings = MessageSettings.from_env()
    session_table, clock = DynamoTable(make_client(), settings.live_table), SystemClock()
    router = MessageRouter(
        mailbox=DynamoMailbox(session_table=session_table, clock=clock, ids=UlidSource()),
        sessions=DynamoSessionStore(session_table=session_table),
        connections=DynamoConnectionStore(session_table=session_table),
        parse=_parse,
        channel=ApiGatewayChannel.at(settings.management_endpoint, encode),
        workers=LambdaWorkerPool.of(settings.stream_agent_function),
        clock=clock,
        chunk_ms=settings.chunk_ms,
        max_in_flight=settings.max_in_flight,
        grace_s=settings.grace_s,
        prewarm=settings.prewarm,
        traced=settings.traced,
    )
    return Deps(router=router, log=get_logger(), metrics=MetricsRecorder(clock))


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer API Gateway."""
    return handle(event, build())
