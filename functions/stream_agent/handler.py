"""Serves one session: holds its lease and connects it with Gemini Live.

Invoked asynchronously with a ``WakeRequest``; hands over to itself before Lambda's limit.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from repartee.adapters.aws.api_gateway_channel import ApiGatewayChannel
from repartee.adapters.aws.lambda_core_agent import LambdaCoreAgent
from repartee.adapters.aws.lambda_summary_requests import LambdaSummaryRequests
from repartee.adapters.aws.lambda_worker_pool import LambdaWorkerPool
from repartee.adapters.aws.secrets_manager import SecretsManager
from repartee.adapters.clock import SystemClock
from repartee.adapters.dialect import encode
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversations.writer import DynamoConversationWriter
from repartee.adapters.dynamodb.service.call_switch import DynamoCallSwitch
from repartee.adapters.dynamodb.service.spendings import DynamoServiceSpendings
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.notes import DynamoNotes
from repartee.adapters.dynamodb.users.profile_store import DynamoProfileStore
from repartee.adapters.dynamodb.users.usage_store import DynamoUsageStore
from repartee.adapters.file_recorder import FileRecorder
from repartee.adapters.gemini.live import GeminiLive
from repartee.adapters.ids import UlidSource
from repartee.adapters.no_tracer import NoTracer
from repartee.adapters.otlp.tracer import OtlpTracer
from repartee.adapters.personas import load_persona
from repartee.adapters.speech_detector import WebRtcSpeechDetector
from repartee.application.answers.price_models import ModelPrices
from repartee.application.answers.service_budget import BudgetedUsageStore, ServiceBudget
from repartee.application.serving.serve_session import SessionServer
from repartee.application.serving.session_ports import SessionPorts
from repartee.config import PRICE_LIST, StreamAgentSettings
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.cost.limits import DailyLimits
from repartee.domain.live.model_profiles import known_profile_of, profile_of
from repartee.domain.live.persona_prompt import live_persona, tools_of
from repartee.domain.session.settings import SessionSettings
from repartee.domain.users.retention import Retention
from repartee.observability import MetricsRecorder, get_logger, log_fields
from repartee.ports.tracing import Tracer
from repartee.ports.workers import WakeRequest

# Reads, posts, writes, a renewal and tool calls run side by side, and none may wait for a thread.
THREADS = 16
# The user is served, so the traces that are left may take this long.
FLUSH_TRACES_S = 1.0

_WAKE_REQUEST = TypeAdapter(WakeRequest)


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used here."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long this invocation may still run."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """The function's dependencies; tests pass fakes."""

    server: SessionServer
    tracer: Tracer


class NonJoiningExecutor(ThreadPoolExecutor):
    """An executor whose threads ``asyncio.run`` does not join at its end.

    A worker that leaves has awaited every result that it needs. A call that still runs then, such
    as a question to core_agent, was given up. Joining it would hold the worker until that call's
    timeout, perhaps beyond Lambda's limit.
    """

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Cancel calls that have not begun and let the others run."""
        super().shutdown(wait=False, cancel_futures=True)


def handle(
    event: Mapping[str, Any], deps: Deps, remaining_ms: Callable[[], int]
) -> dict[str, str | None]:
    """Serve the session that the wake names; return why the worker left it."""
    wake = _WAKE_REQUEST.validate_python(event)

    async def serve() -> str | None:
        asyncio.get_running_loop().set_default_executor(NonJoiningExecutor(THREADS))
        return await deps.server.serve(wake, remaining_ms=remaining_ms)

    with log_fields(session_id=wake.session_id):
        try:
            return {"left": asyncio.run(serve())}
        finally:
            deps.tracer.flush(FLUSH_TRACES_S)


@lru_cache(maxsize=1)
def build() -> Deps:
    """Build the function's dependencies, once per process."""
    settings = StreamAgentSettings.from_env()
    persona, profile = load_persona(settings.persona), profile_of(settings.gemini_live_model)
    client, clock, ids = make_client(max_connections=THREADS), SystemClock(), UlidSource()
    log = get_logger()
    secrets = SecretsManager(clock, log)
    session_table = DynamoTable(client, settings.live_table)
    memory = DynamoTable(client, settings.memory_table)
    retention = Retention(settings.retention_days)
    recorder = FileRecorder(
        Path(settings.record_directory),
        wants_audio=settings.record_sessions == "events_and_audio",
    )
    tracer: Tracer = NoTracer()
    if settings.trace_url:
        arn = settings.trace_token_secret_arn
        token = partial(secrets.get, arn) if arn else None
        tracer = OtlpTracer(settings.trace_url, settings.stack_name, log, token)
    spendings = DynamoServiceSpendings(session_table=session_table)
    budget = ServiceBudget(spendings, clock, settings.max_service_usd_per_day)
    ports = SessionPorts(
        sessions=DynamoSessionStore(session_table=session_table),
        mailbox=DynamoMailbox(session_table=session_table, clock=clock, ids=ids),
        connections=DynamoConnectionStore(session_table=session_table),
        reader=DynamoConversationReader(memory=memory, clock=clock),
        writer=DynamoConversationWriter(
            session_table=session_table, memory=memory, retention=retention
        ),
        profiles=DynamoProfileStore(memory=memory),
        notes=DynamoNotes(memory=memory, ids=ids),
        channel=ApiGatewayChannel.at(settings.management_endpoint, encode),
        live=GeminiLive(
            lambda: secrets.get(settings.gemini_key_secret_arn), settings.gemini_base_url
        ),
        core=LambdaCoreAgent(settings.core_agent_function, clock),
        workers=LambdaWorkerPool.of(settings.stream_agent_function),
        summaries=LambdaSummaryRequests.of(settings.core_agent_function),
        usage=BudgetedUsageStore(
            DynamoUsageStore(
                session_table=session_table, memory=memory, clock=clock, retention=retention
            ),
            budget,
        ),
        budget=budget,
        switch=DynamoCallSwitch(session_table=session_table),
        clock=clock,
        ids=ids,
        metrics=MetricsRecorder(clock),
        tracer=tracer,
        log=log,
        detector=WebRtcSpeechDetector,
        recorder=None if settings.record_sessions == "off" else recorder,
    )
    if known_profile_of(settings.gemini_live_model) is None:
        log.warning("live model unknown", extra={"model": settings.gemini_live_model})
    prices = ModelPrices(PRICE_LIST.replacing(settings.model_prices), clock.now_ms(), log)
    session_settings = SessionSettings(
        live_model=settings.gemini_live_model,
        voice=settings.voice,
        language=persona.default_language(profile, settings.language),
        persona=live_persona(settings.persona, persona),
        turn_detection=settings.turn_detection,
        linger_ms=settings.linger_s * 1000,
        grace_ms=settings.grace_s * 1000,
        turns_without_listener=settings.turns_without_listener,
        max_in_flight=settings.max_in_flight,
        zone=ZoneInfo(settings.desk_time_zone),
        zone_name=settings.desk_time_zone,
        prices=prices.of(settings.gemini_live_model),
        context_policy=settings.context_policy,
        limits=DailyLimits(settings.max_talk_s_per_day, settings.max_usd_per_day),
        service_cap_usd=settings.max_service_usd_per_day,
        memory=MemoryBudget(settings.memory_tokens),
        tools=tools_of(persona, persona.narrowed(profile)),
        greeting=persona.greeting if persona.speaks_first else "",
    )
    return Deps(SessionServer(ports, session_settings), tracer)


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, str | None]:
    """Answer Lambda."""
    return handle(event, build(), context.get_remaining_time_in_millis)
