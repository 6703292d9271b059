"""The HTTP API: tickets and users' data, as a FastAPI application on Mangum."""

import asyncio
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from http_api.app import create_app
from http_api.deps import Deps
from http_api.events import sanitised_event, without_body
from http_api.problems import PROBLEM_TYPE
from http_api.site.files import Site
from http_api.site.sign_in import sign_in_of
from repartee.adapters.aws.api_gateway_channel import ApiGatewayChannel
from repartee.adapters.aws.secrets_manager import SecretsManager
from repartee.adapters.clock import SystemClock
from repartee.adapters.cursors import Cursors
from repartee.adapters.dialect import encode
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.service.call_switch import DynamoCallSwitch
from repartee.adapters.dynamodb.service.spendings import DynamoServiceSpendings
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.erasure_store import DynamoErasureStore
from repartee.adapters.dynamodb.users.notes import DynamoNotes
from repartee.adapters.dynamodb.users.profile_store import DynamoProfileStore
from repartee.adapters.dynamodb.users.usage_store import DynamoUsageStore
from repartee.adapters.dynamodb.users.user_records import DynamoUserRecords
from repartee.adapters.ids import UlidSource
from repartee.adapters.personas import load_persona
from repartee.adapters.ticket_jwt import JwtTicketSigner
from repartee.application.answers.check_limits import LimitChecker
from repartee.application.answers.service_budget import ServiceBudget
from repartee.application.connections.deliver_notice import SessionNotifier
from repartee.application.connections.session_cap import SessionCap
from repartee.application.connections.start_session import SessionStarter
from repartee.application.users.change_preferences import PreferenceChanger
from repartee.application.users.erase_user import UserEraser
from repartee.application.users.export_user import UserExporter
from repartee.application.users.forget_note import NoteForgetter
from repartee.config import HttpApiSettings
from repartee.domain.cost.limits import DailyLimits
from repartee.domain.live.model_profiles import profile_of
from repartee.observability import get_logger

_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Application:
    """The API behind Mangum, made once and used for every event."""

    def __init__(self, deps: Deps):
        self._app = create_app(deps)

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Return the answer to an event of payload format 2.0."""
        # Mangum needs the thread's event loop when it is made and when it is called.
        # Current versions of Python do not create one implicitly.
        with asyncio.Runner() as runner:
            asyncio.set_event_loop(runner.get_loop())
            try:
                # Without "off", Mangum would run a lifespan on every event. It encodes types that
                # it does not know as text in base64.
                text_types = [*DEFAULT_TEXT_MIME_TYPES, PROBLEM_TYPE]
                mangum = Mangum(self._app, lifespan="off", text_mime_types=text_types)
                answer: dict[str, Any] = mangum(sanitised_event(event), context)
            finally:
                asyncio.set_event_loop(None)
        # Answers are for one user and must not be cached, unless their route declares otherwise.
        answer["headers"] = _HEADERS | answer["headers"]
        is_head = event["requestContext"]["http"]["method"] == "HEAD"
        return without_body(answer) if is_head else answer


@lru_cache(maxsize=1)
def build() -> Application:
    """Build the function's dependencies, once per process."""
    settings = HttpApiSettings.from_env()
    persona = load_persona(settings.persona)
    client, clock, ids, log = make_client(), SystemClock(), UlidSource(), get_logger()
    session_table = DynamoTable(client, settings.live_table)
    memory = DynamoTable(client, settings.memory_table)
    desk = DynamoTable(client, settings.desk_table)
    secrets = SecretsManager(clock, log)
    reader = DynamoConversationReader(memory=memory, clock=clock)
    usage = DynamoUsageStore(session_table=session_table, memory=memory, clock=clock)
    daily = DailyLimits(settings.max_talk_s_per_day, settings.max_usd_per_day)
    spendings = DynamoServiceSpendings(session_table=session_table)
    budget = ServiceBudget(spendings, clock, settings.max_service_usd_per_day)
    limits = LimitChecker(usage, clock, daily, budget)
    connections = DynamoConnectionStore(session_table=session_table)
    sessions = DynamoSessionStore(session_table=session_table)
    channel = ApiGatewayChannel.at(settings.management_endpoint, encode)
    starter = SessionStarter(
        reader=reader,
        sessions=sessions,
        signer=JwtTicketSigner(secrets, settings.ticket_key_secret_arn),
        ids=ids,
        clock=clock,
        cap=SessionCap(
            connections=connections,
            sessions=sessions,
            channel=channel,
            clock=clock,
            max_sessions=settings.max_sessions_per_user,
            grace_ms=settings.grace_s * 1000,
        ),
        limits=limits,
        switch=DynamoCallSwitch(session_table=session_table),
    )
    profiles = DynamoProfileStore(memory=memory)
    mailbox = DynamoMailbox(session_table=session_table, clock=clock, ids=ids)
    notifier = SessionNotifier(connections, mailbox, sessions, clock)
    eraser = UserEraser(
        store=DynamoErasureStore(session_table=session_table, memory=memory, desk=desk),
        channel=channel,
        clock=clock,
        wait=time.sleep,
    )
    notes = DynamoNotes(memory=memory, ids=ids)
    records = DynamoUserRecords(memory=memory, desk=desk, clock=clock)
    return Application(
        Deps(
            starter=starter,
            reader=reader,
            profiles=profiles,
            preferences=PreferenceChanger(profiles, notifier, clock),
            eraser=eraser,
            exporter=UserExporter(records, profiles, notes, usage),
            forgetter=NoteForgetter(notes, notifier),
            cursors=Cursors(secrets, settings.ticket_key_secret_arn),
            limits=limits,
            usage=usage,
            clock=clock,
            live_model=persona.narrowed(profile_of(settings.gemini_live_model)),
            persona=settings.persona,
            business=persona.business,
            websocket_url=settings.websocket_url,
            site=Site(Path(settings.page_directory)),
            sign_in=sign_in_of(settings),
            log=log,
        )
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer API Gateway."""
    return build().handle(event, context)
