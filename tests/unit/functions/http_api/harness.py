"""The HTTP API on fakes, called as API Gateway calls it."""

import json
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from http_api.deps import Deps
from http_api.handler import Application
from http_api.site.files import Site
from http_api.site.sign_in import SignIn
from repartee.adapters.cursors import Cursors
from repartee.application.answers.check_limits import LimitChecker
from repartee.application.answers.service_budget import ServiceBudget
from repartee.application.connections.deliver_notice import SessionNotifier
from repartee.application.connections.session_cap import SessionCap
from repartee.application.connections.start_session import SessionStarter
from repartee.application.users.change_preferences import PreferenceChanger
from repartee.application.users.erase_user import UserEraser
from repartee.application.users.export_user import UserExporter
from repartee.application.users.forget_note import NoteForgetter
from repartee.domain.cost.limits import DailyLimits, DayUsage, utc_day
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import StoreUnavailable
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.protocol.messages import Notice
from repartee.domain.session.state import ConnectionOpening
from tests.event_files import load_event
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.erasure_store import FakeErasureStore
from tests.fakes.ids import FakeIdSource
from tests.fakes.log import CapturedLog
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.notes import FakeNotes
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.profile_store import FakeProfileStore
from tests.fakes.secrets import FakeSecrets
from tests.fakes.service import FakeCallSwitch, FakeServiceSpendings
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables
from tests.fakes.ticket_signer import FakeTicketSigner
from tests.fakes.usage_store import FakeUsageStore
from tests.fakes.user_records import FakeUserRecords
from tests.unit.functions.http_api.document import check_answer

USER = "user|1"
SITE = Path(__file__).parents[4] / "clients" / "web" / "site"
SIGN_IN = SignIn(
    authorize_url="https://login.example/authorize",
    token_url="https://tokens.example/token",
    sign_out_url=None,
    client_id="page",
    audience="repartee",
    scope="openid",
)


class Reader(FakeConversationStore):
    """Fails on demand."""

    fails_with: Exception | None = None

    def list_conversations(self, *arguments: Any, **named: Any) -> Any:
        if self.fails_with is not None:
            raise self.fails_with
        return super().list_conversations(*arguments, **named)


class Mailbox(FakeMailbox):
    """Takes no notices where ``takes_notices`` is false."""

    takes_notices = True

    def notify(self, session_id: str, notice: Notice, *, now_ms: int) -> str:
        if not self.takes_notices:
            raise StoreUnavailable("set to fail")
        return super().notify(session_id, notice, now_ms=now_ms)


SERVICE_CAP_USD = Decimal(100)


class HttpApiHarness:
    """The HTTP API on fakes."""

    def __init__(self, page_directory: Path = SITE) -> None:
        self.tables = FakeTables()
        self.connections = FakeConnectionStore(self.tables)
        self.reader = Reader(self.tables)
        self.signer = FakeTicketSigner()
        self.channel = FakeClientChannel()
        self.log = CapturedLog()
        self.channel = FakeClientChannel()
        self.usage = FakeUsageStore(self.tables)
        self.switch, self.spendings = FakeCallSwitch(), FakeServiceSpendings()
        budget = ServiceBudget(self.spendings, self.tables.clock, SERVICE_CAP_USD)
        daily = DailyLimits(3_600, Decimal(5))
        self.limits = LimitChecker(self.usage, self.tables.clock, daily, budget)
        self.mailbox = Mailbox(self.tables)
        sessions = FakeSessionStore(self.tables)
        starter = SessionStarter(
            reader=self.reader,
            sessions=sessions,
            signer=self.signer,
            ids=FakeIdSource(),
            clock=self.tables.clock,
            cap=SessionCap(
                connections=self.connections,
                sessions=sessions,
                channel=self.channel,
                clock=self.tables.clock,
                max_sessions=2,
                grace_ms=30_000,
            ),
            limits=self.limits,
            switch=self.switch,
        )
        eraser = UserEraser(
            store=FakeErasureStore(self.tables),
            channel=self.channel,
            clock=self.tables.clock,
            wait=lambda duration_s: self.tables.clock.advance(round(duration_s * 1000)),
        )
        profiles, self.notes = FakeProfileStore(self.tables), FakeNotes(self.tables)
        self.desk = FakeDesk({date(2026, 11, 27): OpeningHours(time(9), time(17))})
        records = FakeUserRecords(self.tables, self.desk)
        notifier = SessionNotifier(self.connections, self.mailbox, sessions, self.tables.clock)
        self.deps = Deps(
            starter=starter,
            reader=self.reader,
            profiles=profiles,
            preferences=PreferenceChanger(profiles, notifier, self.tables.clock),
            eraser=eraser,
            exporter=UserExporter(records, profiles, self.notes, self.usage),
            forgetter=NoteForgetter(self.notes, notifier),
            cursors=Cursors(FakeSecrets({"key": "k" * 64}), "key"),
            limits=self.limits,
            usage=self.usage,
            clock=self.tables.clock,
            live_model=FALLBACK_PROFILE,
            persona="front_desk",
            business="the front desk",
            websocket_url="wss://voice.example/live",
            site=Site(page_directory),
            sign_in=SIGN_IN,
            log=self.log.logger,
        )
        self.application = Application(self.deps)
        self.context: Any = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: str = "",
        user: Any = USER,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, parsed body and headers of the answer, which the document must allow."""
        event = load_event("http_api.health" if user is None else "http_api.create_session")
        event |= {"rawPath": path, "rawQueryString": query, "body": None}
        event["requestContext"]["http"] |= {"method": method, "path": path}
        if user is not None:
            event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = user
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["headers"] |= {
            "content-length": str(len(event["body"] or "")),
            "content-type": "application/json",
        }
        answer = self.application.handle(event, self.context)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        status, content = answer["statusCode"], json.loads(answer["body"] or "null")
        check_answer(method, path, status, headers, content)
        return status, content, headers

    def connect(self, session: dict[str, Any], user: str = USER) -> None:
        """Open a connection with the ticket that ``POST /sessions`` answered."""
        ticket = self.signer.verify(session["ticket"], now_ms=self.tables.clock.now_ms())
        assert ticket.user_id == user
        FakeOpeningStore(self.tables).open(
            ConnectionOpening(
                connection_id=f"connection-of-{ticket.ticket_id}",
                user_id=ticket.user_id,
                session_id=ticket.session_id,
                conversation_id=ticket.conversation_id,
                ticket_id=ticket.ticket_id,
                ticket_expires_at_ms=ticket.expires_at_ms,
                opened_at_ms=self.tables.clock.now_ms(),
                max_sessions=2,
            )
        )

    def begin(self, conversation_id: str | None = None, user: str = USER) -> dict[str, Any]:
        """Start a session and connect to it."""
        body = {} if conversation_id is None else {"conversation_id": conversation_id}
        status, session, _ = self.call("POST", "/sessions", body, user=user)
        assert status == 201
        self.connect(session, user)
        return session


def use(api: HttpApiHarness, *, talk_s: int = 0, cost_usd: str = "0", user: str = USER) -> None:
    """Count a turn of today's for a user."""
    day = utc_day(api.tables.clock.now_ms())
    tokens = TokenUsage(text_in=10, audio_in=20, text_out=3, audio_out=4)
    api.tables.count(user, DayUsage(day, 1, talk_s * 1_000, tokens, Decimal(cost_usd)))
