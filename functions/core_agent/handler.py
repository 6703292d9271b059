"""Answers one question with memory and the front desk's data.

LangChain is imported with this module: every question needs it, and Lambda has more CPU during
initialisation than during the first invocation.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from aws_lambda_powertools import Logger

from core_agent.tools.catalogue import make_tools
from core_agent.tools.stores import stores_on_tables
from repartee.adapters.aws.client_context import read_trace_context
from repartee.adapters.aws.core_agent_event import AnswerEvent, RequestEvent, SummaryEvent
from repartee.adapters.aws.secrets_manager import SecretsManager
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversations.summary_writer import DynamoSummaryWriter
from repartee.adapters.dynamodb.conversations.tool_call_store import DynamoToolCallStore
from repartee.adapters.dynamodb.service.spendings import DynamoServiceSpendings
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.usage_store import DynamoUsageStore
from repartee.adapters.langchain.middleware import PricedModel, ThinkingLevel
from repartee.adapters.langchain.reasoner import LangchainReasoner, gemini_model
from repartee.adapters.personas import load_persona
from repartee.application.answers.answer_question import QuestionAnswerer
from repartee.application.answers.price_models import ModelPrices
from repartee.application.answers.service_budget import BudgetedUsageStore, ServiceBudget
from repartee.application.answers.summarise_conversation import ConversationSummariser
from repartee.config import PRICE_LIST, CoreAgentSettings
from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.front_desk.rules import default_rules
from repartee.domain.users.retention import Retention
from repartee.observability import MetricsRecorder, get_logger, log_fields


@dataclass(frozen=True, slots=True)
class Deps:
    """The function's dependencies.

    Attributes:
        has_new_key: Whether the models use an old Gemini key, so that the dependencies must be
            built again.
    """

    answerer: QuestionAnswerer
    summariser: ConversationSummariser
    log: Logger
    has_new_key: Callable[[], bool] = lambda: False


def handle(event: Mapping[str, Any], deps: Deps, traceparent: str = "") -> dict[str, Any]:
    """Answer a ``RequestEvent`` with an ``AnswerEvent``, or carry out a ``SummaryEvent``.

    An event of an unknown kind, from a later version, has no effect.

    Args:
        event: The event.
        deps: The function's dependencies.
        traceparent: The W3C trace context of a question; "" if its turn is not traced.

    Raises:
        pydantic.ValidationError: A field is missing or wrong, which is a fault of the caller.
    """
    kind = event.get("kind")
    if kind == "summarise":
        wanted = SummaryEvent.model_validate(event).request()
        with log_fields(session_id=wanted.session_id):
            done = deps.summariser.summarise(wanted)
            deps.log.info("conversation summed up", extra=done.log_fields(wanted))
        return {}
    if kind is not None:
        deps.log.warning("event of an unknown kind", extra={"kind": kind})
        return {}
    request = replace(RequestEvent.model_validate(event).request(), traceparent=traceparent)
    turn, call = request.key.turn, str(request.key)
    with log_fields(session_id=request.session_id, epoch=request.epoch, turn=turn, call=call):
        answered = deps.answerer.answer(request)
        deps.log.info("question answered", extra=answered.log_fields())
    return AnswerEvent.of(answered.answer)


@lru_cache(maxsize=1)
def build() -> Deps:
    """Build the function's dependencies, once per process."""
    log = get_logger()  # first, so that no library logs the key that is read below
    settings = CoreAgentSettings.from_env()
    persona = load_persona(settings.persona)
    zone = ZoneInfo(settings.desk_time_zone)
    clock, client = SystemClock(), make_client()
    session_table = DynamoTable(client, settings.live_table)
    memory = DynamoTable(client, settings.memory_table)
    secrets, key_id = SecretsManager(clock, log), settings.gemini_key_secret_arn
    api_key = secrets.get(key_id)
    prices = ModelPrices(PRICE_LIST.replacing(settings.model_prices), clock.now_ms(), log)

    def model(name: str) -> PricedModel:
        return PricedModel(gemini_model(name, api_key, settings.gemini_base_url), prices.of(name))

    def warn_of_refusal(name: str) -> None:
        log.warning("model refuses the thinking level", extra={"model": name, "level": level})

    other, level = settings.gemini_core_fallback_model, settings.gemini_core_thinking
    reasoner = LangchainReasoner(
        model(settings.gemini_core_model),
        clock,
        fallback=model(other) if other else None,
        thinking=ThinkingLevel(level, warn_of_refusal) if level else None,
    )
    desk = DynamoTable(client, settings.desk_table)
    stores = stores_on_tables(memory, desk, default_rules(zone, persona.hours))
    reader = DynamoConversationReader(memory=memory, clock=clock)
    budget, retention = MemoryBudget(settings.memory_tokens), Retention(settings.retention_days)
    spendings = DynamoServiceSpendings(session_table=session_table)
    usage = BudgetedUsageStore(
        DynamoUsageStore(
            session_table=session_table, memory=memory, clock=clock, retention=retention
        ),
        ServiceBudget(spendings, clock, settings.max_service_usd_per_day),
    )
    metrics = MetricsRecorder(clock)
    answerer = QuestionAnswerer(
        calls=DynamoToolCallStore(
            session_table=session_table, memory=memory, clock=clock, retention=retention
        ),
        conversations=reader,
        reasoner=reasoner,
        notes=stores.notes,
        usage=usage,
        metrics=metrics,
        make_tools=partial(make_tools, stores),
        clock=clock,
        wait=time.sleep,
        persona=persona,
        zone=zone,
        memory=budget,
    )
    summaries = DynamoSummaryWriter(memory=memory, clock=clock, retention=retention)
    summariser = ConversationSummariser(reader, summaries, usage, metrics, reasoner, clock, budget)
    return Deps(answerer, summariser, log, lambda: secrets.get(key_id) != api_key)


def lambda_handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Answer the stream agent."""
    if build().has_new_key():
        build.cache_clear()
    return handle(event, build(), read_trace_context(context))
