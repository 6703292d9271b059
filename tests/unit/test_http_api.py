import base64
import json
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from http_api.app import create_app
from http_api.deps import Deps
from http_api.handler import Application
from repartee.adapters.export_cursor import ExportCursors
from repartee.application import export_user
from repartee.application.check_limits import LimitChecker
from repartee.application.erase_user import UserEraser
from repartee.application.export_user import UserExporter
from repartee.application.start_session import SessionStarter
from repartee.domain.calls import BegunTool, CallKey, CallStatus, CoreAnswer, Exchange
from repartee.domain.conversation import Conversation, Profile, SkippedInput, ToolCall, Turn
from repartee.domain.desk import OpeningHours, Slot
from repartee.domain.errors import ErasureUnderWay, StoreUnavailable
from repartee.domain.limits import DailyLimits, DayUsage, OwnLimits, utc_day
from repartee.domain.session_state import ConnectionOpening
from repartee.domain.usage import Bill, TokenUsage
from tests.event_files import load_event
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.erasure_store import FakeErasureStore
from tests.fakes.ids import FakeIdSource
from tests.fakes.log import CapturedLog
from tests.fakes.notes import FakeNotes
from tests.fakes.profile_store import FakeProfileStore
from tests.fakes.secrets import FakeSecrets
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables, KeptCall
from tests.fakes.ticket_signer import FakeTicketSigner
from tests.fakes.usage_store import FakeUsageStore
from tests.fakes.user_records import FakeUserRecords

pytestmark = pytest.mark.unit

USER = "user|1"


class Reader(FakeConversationStore):
    """Can be told to fail."""

    fails_with: Exception | None = None

    def list_conversations(self, user_id: str, *, limit: int) -> Any:
        if self.fails_with is not None:
            raise self.fails_with
        return super().list_conversations(user_id, limit=limit)


class Api:
    """The HTTP API on fakes."""

    def __init__(self) -> None:
        self.tables = FakeTables()
        self.connections = FakeConnectionStore(self.tables)
        self.reader = Reader(self.tables)
        self.signer = FakeTicketSigner()
        self.log = CapturedLog()
        self.usage = FakeUsageStore(self.tables)
        self.limits = LimitChecker(self.usage, self.tables.clock, DailyLimits(3_600, Decimal(5)))
        starter = SessionStarter(
            reader=self.reader,
            connections=self.connections,
            sessions=FakeSessionStore(self.tables),
            signer=self.signer,
            ids=FakeIdSource(),
            clock=self.tables.clock,
            max_sessions=2,
            limits=self.limits,
        )
        eraser = UserEraser(
            store=FakeErasureStore(self.tables),
            channel=FakeClientChannel(),
            clock=self.tables.clock,
            wait=lambda duration_s: self.tables.clock.advance(round(duration_s * 1000)),
        )
        profiles, self.notes = FakeProfileStore(self.tables), FakeNotes(self.tables)
        self.desk = FakeDesk({date(2026, 11, 27): OpeningHours(time(9), time(17))})
        records = FakeUserRecords(self.tables, self.desk)
        self.deps = Deps(
            starter=starter,
            reader=self.reader,
            profiles=profiles,
            eraser=eraser,
            exporter=UserExporter(records, profiles, self.notes, self.usage),
            cursors=ExportCursors(FakeSecrets({"key": "k" * 64}), "key"),
            limits=self.limits,
            usage=self.usage,
            clock=self.tables.clock,
            websocket_url="wss://voice.example/live",
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
        user: str | None = USER,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return status, parsed body and headers of the answer."""
        event = load_event("http_api.create_session" if user else "http_api.health")
        event |= {"rawPath": path, "rawQueryString": query, "body": None}
        event["requestContext"]["http"] |= {"method": method, "path": path}
        if user is not None:
            event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = user
        if body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        event["headers"]["content-length"] = str(len(event["body"] or ""))
        answer = self.application.handle(event, self.context)
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        return answer["statusCode"], json.loads(answer["body"]), headers

    def connect(self, session: dict[str, Any], user: str = USER) -> None:
        """Open a connection with the ticket that ``POST /sessions`` answered."""
        ticket = self.signer.verify(session["ticket"], now_ms=self.tables.clock.now_ms())
        assert ticket.user_id == user
        self.connections.open(
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


def test_a_new_session_comes_with_a_ticket_that_names_it() -> None:
    api = Api()

    status, session, headers = api.call("POST", "/sessions", {"conversation_id": "new"})

    assert status == 201
    assert headers["content-type"] == "application/json"
    ticket = api.signer.verify(session["ticket"], now_ms=NOON_MS)
    assert ticket.user_id == USER
    assert ticket.session_id == session["session_id"]
    assert ticket.conversation_id == session["conversation_id"]
    assert ticket.expires_at_ms == NOON_MS + 60_000
    assert session["expires_at"] == "2026-11-20T12:01:00.000Z"
    assert len({ticket.ticket_id, ticket.session_id, ticket.conversation_id}) == 3


def test_the_url_is_ready_to_connect_to() -> None:
    _, session, _ = Api().call("POST", "/sessions", {})

    address = urlsplit(session["url"])

    assert (address.scheme, address.netloc, address.path) == ("wss", "voice.example", "/live")
    assert parse_qs(address.query) == {"ticket": [session["ticket"]]}


def test_starting_a_session_writes_nothing() -> None:
    api = Api()

    api.call("POST", "/sessions", {"conversation_id": "new"})

    assert api.tables.conversations == {}
    assert api.tables.states == {}


@pytest.mark.parametrize("body", [None, {}, {"conversation_id": None}])
def test_without_a_conversation_the_latest_one_goes_on(body: dict[str, Any] | None) -> None:
    api = Api()
    api.begin("new")
    api.tables.clock.advance(1_000)
    latest = api.begin("new")

    status, session, _ = api.call("POST", "/sessions", body)

    assert status == 201
    assert session["conversation_id"] == latest["conversation_id"]
    assert session["session_id"] != latest["session_id"]


def test_a_users_first_session_starts_a_conversation_without_being_told_to() -> None:
    api = Api()
    api.begin("new", user="user-2")

    status, session, _ = api.call("POST", "/sessions")

    assert status == 201
    assert (USER, session["conversation_id"]) not in api.tables.conversations


def test_an_older_conversation_can_be_named() -> None:
    api = Api()
    older = api.begin("new")["conversation_id"]
    api.tables.clock.advance(1_000)
    api.begin("new")

    _, session, _ = api.call("POST", "/sessions", {"conversation_id": older})

    assert session["conversation_id"] == older


def test_anothers_conversation_is_as_unknown_as_one_that_never_was() -> None:
    api = Api()
    foreign = api.begin("new", user="user-2")["conversation_id"]

    answers = [
        api.call("POST", "/sessions", {"conversation_id": each}) for each in (foreign, "never-was")
    ]

    assert answers[0] == answers[1]
    status, problem, headers = answers[0]
    assert status == 404
    assert problem["code"] == "conversation_unknown"
    assert problem["field"] == "conversation_id"
    assert headers["content-type"] == "application/problem+json"


def test_one_session_too_many_is_refused_with_a_time_to_wait() -> None:
    api = Api()
    api.begin("new")
    api.tables.clock.advance(1_000)
    api.begin("new")

    status, problem, headers = api.call("POST", "/sessions", {"conversation_id": "new"})

    assert status == 429
    assert problem["code"] == "too_many_sessions"
    assert int(headers["retry-after"]) > 0


def test_a_full_user_may_still_take_over_one_of_the_conversations() -> None:
    api = Api()
    first = api.begin("new")
    api.tables.clock.advance(1_000)
    api.begin("new")

    again = api.begin(first["conversation_id"])

    assert again["session_id"] != first["session_id"]


def test_a_conversation_whose_session_has_ended_makes_no_room_for_another() -> None:
    api = Api()
    ended = api.begin("new")
    api.connections.end_session(USER, ended["session_id"])
    for _ in range(2):
        api.tables.clock.advance(1_000)
        api.begin("new")

    body = {"conversation_id": ended["conversation_id"]}
    assert api.call("POST", "/sessions", body)[0] == 429


def test_an_old_session_is_come_back_to_only_when_there_is_room_for_it() -> None:
    api = Api()
    old = api.begin("new")
    api.connections.end_session(USER, old["session_id"])
    for _ in range(2):
        api.tables.clock.advance(1_000)
        api.begin("new")

    assert api.call("POST", "/sessions", {"session_id": old["session_id"]})[0] == 429


def test_a_lost_connection_comes_back_to_its_session_even_when_the_user_is_full() -> None:
    api = Api()
    first = api.begin("new")
    api.tables.clock.advance(1_000)
    api.begin("new")

    status, session, _ = api.call("POST", "/sessions", {"session_id": first["session_id"]})

    assert status == 201
    assert session["session_id"] == first["session_id"]
    assert session["conversation_id"] == first["conversation_id"]
    assert session["ticket"] != first["ticket"]
    api.connect(session)


def test_anothers_session_is_unknown() -> None:
    api = Api()
    foreign = api.begin("new", user="user-2")

    status, problem, _ = api.call("POST", "/sessions", {"session_id": foreign["session_id"]})

    assert (status, problem["code"]) == (404, "session_unknown")


def test_a_session_of_another_conversation_is_unknown() -> None:
    api = Api()
    session = api.begin("new")
    body = {"session_id": session["session_id"], "conversation_id": "another"}

    status, problem, _ = api.call("POST", "/sessions", body)

    assert (status, problem["code"]) == (404, "session_unknown")


def test_a_session_that_has_ended_says_how_to_go_on() -> None:
    api = Api()
    session_id = api.begin("new")["session_id"]
    api.tables.states[session_id] = replace(api.tables.states[session_id], ended=True)

    status, problem, _ = api.call("POST", "/sessions", {"session_id": session_id})

    assert (status, problem["code"], problem["field"]) == (409, "session_ended", "session_id")


@pytest.mark.parametrize("way", ["new", "latest", "session"])
def test_an_erased_user_gets_no_ticket(way: str) -> None:
    api = Api()
    session_id = api.begin("new")["session_id"]
    api.tables.profiles[USER] = Profile(USER, erased_at_ms=NOON_MS)
    body = {
        "new": {"conversation_id": "new"},
        "latest": {},
        "session": {"session_id": session_id},
    }[way]

    status, problem, _ = api.call("POST", "/sessions", body)

    assert (status, problem["code"]) == (403, "user_erased")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"conversation_id": 7}, "conversation_id"),
        ({"conversation_id": "conv#1"}, "conversation_id"),
        ({"conversation_id": "x" * 65}, "conversation_id"),
        ({"conversation_id": ""}, "conversation_id"),
        ({"session_id": "a b"}, "session_id"),
        ({"user_id": "user-2"}, "user_id"),
        ([1], ""),
    ],
)
def test_a_bad_body_is_explained_by_field(body: Any, field: str) -> None:
    status, problem, headers = Api().call("POST", "/sessions", body)

    assert status == 422
    assert problem["code"] == "invalid_request"
    assert problem.get("field", "") == field
    assert headers["content-type"] == "application/problem+json"


def test_a_body_that_is_not_json_is_explained() -> None:
    status, problem, _ = Api().call("POST", "/sessions", "{")

    assert (status, problem["code"]) == (422, "not_json")


@pytest.mark.parametrize("body", [b'{"conversation_id": "\xff"}', b"\xff\xfe", b"[" * 100_000])
def test_bytes_that_cannot_be_read_as_json_are_the_clients_fault_and_not_ours(body: bytes) -> None:
    api = Api()
    event = load_event("http_api.create_session")
    event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    event["headers"]["content-length"] = str(len(body))

    answer = api.application.handle(event, None)

    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (422, "not_json")
    assert api.log.lines == []


def test_who_asks_is_taken_from_the_verified_token_alone() -> None:
    api = Api()

    for path in ("/conversations", "/conversations/some-id/turns"):
        status, problem, _ = api.call("GET", path, user=None)
        assert (status, problem["code"]) == (401, "not_signed_in")
    status, problem, _ = api.call("POST", "/sessions", {}, user=None)
    assert (status, problem["code"]) == (401, "not_signed_in")


def test_conversations_are_listed_newest_first_and_only_ones_own() -> None:
    api = Api()
    older = api.begin("new")["conversation_id"]
    api.tables.clock.advance(1_000)
    newer = api.begin("new")["conversation_id"]
    api.begin("new", user="user-2")

    status, page, _ = api.call("GET", "/conversations")

    assert status == 200
    assert [each["conversation_id"] for each in page["conversations"]] == [newer, older]
    assert page["conversations"][1] == {
        "conversation_id": older,
        "title": "",
        "turn_count": 0,
        "created_at": "2026-11-20T12:00:00.000Z",
        "updated_at": "2026-11-20T12:00:00.000Z",
    }
    _, page, _ = api.call("GET", "/conversations", query="limit=1")
    assert [each["conversation_id"] for each in page["conversations"]] == [newer]


@pytest.mark.parametrize("limit", ["0", "101", "many"])
@pytest.mark.parametrize("path", ["/conversations", "/conversations/some-id/turns"])
def test_a_page_has_its_limits(path: str, limit: str) -> None:
    status, problem, _ = Api().call("GET", path, query=f"limit={limit}")

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "limit")


TURN = Turn(
    number=1,
    session_id="session-1",
    started_at_ms=NOON_MS,
    ended_at_ms=NOON_MS + 2_500,
    heard="book me in",
    said="Done, Friday at",
    said_is_approximate=True,
    skipped=(SkippedInput(4, 6), SkippedInput(9, 9)),
    tool_calls=(ToolCall(CallKey(1, 1), "ask_core_agent", "{}", CallStatus.DONE, "Booked."),),
    first_audio_ms=420,
    usage=TokenUsage(text_in=10, audio_in=20, text_out=3, audio_out=40),
    cost_usd=Decimal("0.000561"),
)


def with_turns(api: Api, count: int) -> None:
    api.tables.conversations[USER, "conv-1"] = Conversation(USER, "conv-1", "Booking", 1, 2)
    api.tables.turns["conv-1"] = {
        number: replace(TURN, number=number) for number in range(1, count + 1)
    }


def test_a_turn_is_shown_with_what_was_heard_marked_as_unverified() -> None:
    api = Api()
    with_turns(api, 1)

    status, page, _ = api.call("GET", "/conversations/conv-1/turns")

    assert status == 200
    assert page == {
        "turns": [
            {
                "number": 1,
                "session_id": "session-1",
                "started_at": "2026-11-20T12:00:00.000Z",
                "ended_at": "2026-11-20T12:00:02.500Z",
                "heard": {"text": "book me in", "verified": False},
                "said": {"text": "Done, Friday at", "approximate": True},
                "shortened": False,
                "skipped_messages": 4,
                "tool_calls": [
                    {"name": "ask_core_agent", "status": "done", "answer": "Booked."},
                ],
                "first_audio_ms": 420,
                "tokens_in": 30,
                "tokens_out": 43,
                "cost_usd": 0.000561,
            }
        ],
        "next_after": None,
    }


def test_turns_are_read_page_by_page_without_a_gap() -> None:
    api = Api()
    with_turns(api, 5)
    seen: list[int] = []
    after: int | None = 0

    while after is not None:
        query = f"after={after}&limit=2"
        _, page, _ = api.call("GET", "/conversations/conv-1/turns", query=query)
        seen += [turn["number"] for turn in page["turns"]]
        after = page["next_after"]

    assert seen == [1, 2, 3, 4, 5]


def test_a_last_page_that_is_full_says_that_it_is_the_last() -> None:
    api = Api()
    with_turns(api, 4)

    _, page, _ = api.call("GET", "/conversations/conv-1/turns", query="after=2&limit=2")

    assert [turn["number"] for turn in page["turns"]] == [3, 4]
    assert page["next_after"] is None


def test_anothers_turns_are_not_found() -> None:
    api = Api()
    with_turns(api, 1)

    status, problem, _ = api.call("GET", "/conversations/conv-1/turns", user="user-2")

    assert (status, problem["code"]) == (404, "conversation_unknown")


def test_health_needs_no_user_and_no_table() -> None:
    api = Api()
    api.reader.fails_with = StoreUnavailable("told to fail")
    api.signer.failing = True

    status, body, _ = api.call("GET", "/health", user=None)

    assert (status, body) == (200, {"status": "ok"})


def test_an_overloaded_table_is_answered_503_with_a_time_to_wait() -> None:
    api = Api()
    api.reader.fails_with = StoreUnavailable("told to fail")

    status, problem, headers = api.call("GET", "/conversations")

    assert (status, problem["code"]) == (503, "unavailable")
    assert int(headers["retry-after"]) > 0
    assert api.log.lines[0]["message"] == "request failed"


def test_a_fault_of_ours_tells_the_client_nothing_and_the_log_everything() -> None:
    api = Api()
    api.reader.fails_with = RuntimeError("the reason")

    status, problem, _ = api.call("GET", "/conversations")

    assert (status, problem["code"]) == (500, "internal_error")
    assert "reason" not in json.dumps(problem)
    assert "the reason" in api.log.lines[0]["exception"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "path_unknown"),
        ("GET", "/docs", 404, "path_unknown"),
        ("GET", "/openapi.json", 404, "path_unknown"),
        ("GET", "/sessions", 405, "method_not_allowed"),
        ("DELETE", "/conversations", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_served_is_a_problem_document_too(
    method: str, path: str, status: int, code: str
) -> None:
    answered, problem, _ = Api().call(method, path)

    assert (answered, problem["code"], problem["status"]) == (status, code, status)


def test_the_api_can_describe_itself() -> None:
    paths = create_app(Api().deps).openapi()["paths"]

    assert set(paths) == {
        "/health",
        "/sessions",
        "/conversations",
        "/conversations/{conversation_id}/turns",
        "/me/preferences",
        "/me",
        "/me/usage",
        "/me/export",
    }


@pytest.mark.parametrize(
    ("name", "status"),
    [("health", 200), ("create_session", 201), ("list_conversations", 200), ("list_turns", 404)],
)
def test_each_event_file_is_answered(name: str, status: int) -> None:
    answer = Api().application.handle(load_event(f"http_api.{name}"), None)

    assert answer["statusCode"] == status


def test_preferences_begin_with_the_deployments_defaults() -> None:
    status, body, _ = Api().call("GET", "/me/preferences")

    assert (status, body) == (200, {"language": None, "voice": None, "style": None})


def test_preferences_that_are_left_out_stay_and_null_goes_back_to_the_default() -> None:
    api = Api()
    wanted = {"language": "ES-es", "voice": "puck", "style": " slowly\n and formally "}
    settled = {"language": "es-ES", "voice": "Puck", "style": "slowly and formally"}
    assert api.call("PUT", "/me/preferences", wanted)[:2] == (200, settled)

    status, body, _ = api.call("PUT", "/me/preferences", {"voice": "Kore", "style": None})

    assert (status, body) == (200, {"language": "es-ES", "voice": "Kore", "style": None})
    assert api.call("GET", "/me/preferences")[1] == body
    assert api.call("GET", "/me/preferences", user="user-2")[1]["voice"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"language": "Spanish"}, "language"),
        ({"language": "tlh-KL"}, "language"),
        ({"language": 7}, "language"),
        ({"voice": "Robert"}, "voice"),
        ({"style": "x" * 201}, "style"),
        ({"style": "be\x00calm"}, "style"),
        ({"language": "es-\u0664\u0661\u0669"}, "language"),
        ({"user_id": "user-2"}, "user_id"),
    ],
)
def test_a_preference_that_cannot_be_had_is_named_and_nothing_changes(
    body: dict[str, Any], field: str
) -> None:
    api = Api()

    status, problem, _ = api.call("PUT", "/me/preferences", {"voice": "Puck", **body})

    assert (status, problem["code"], problem["field"]) == (422, "invalid_request", field)
    assert api.tables.profiles == {}


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", {"voice": "Puck"})])
def test_an_erased_user_has_no_preferences(method: str, body: Any) -> None:
    api = Api()
    api.tables.profiles[USER] = Profile(USER, erased_at_ms=NOON_MS)

    status, problem, _ = api.call(method, "/me/preferences", body)

    assert (status, problem["code"]) == (403, "user_erased")


def test_erasing_answers_with_what_was_deleted() -> None:
    api = Api()
    api.begin()

    status, erasure, _ = api.call("DELETE", "/me")

    assert status == 200
    assert erasure == {
        "erased_at": "2026-11-20T12:00:00.000Z",
        "finished": True,
        "deleted": {
            "active_sessions": 1,
            "connections": 1,
            "conversations": 1,
            "openings": 1,
            "sessions": 1,
        },
    }
    assert api.tables.conversations == {}
    (line,) = api.log.lines
    assert line["message"] == "user erased"
    assert (line["finished"], line["deleted"]) == (True, erasure["deleted"])
    assert USER not in str(line)


def test_erasing_can_be_asked_for_again_and_answers_the_same() -> None:
    api = Api()
    api.begin()
    first = api.call("DELETE", "/me")

    assert api.call("DELETE", "/me") == first


def served() -> list[tuple[str, str]]:
    """Method and path of everything that the API serves, whatever is added to it."""
    paths = create_app(Api().deps).openapi()["paths"]
    return [
        (method.upper(), path.replace("{conversation_id}", "conversation-1"))
        for path, methods in paths.items()
        for method in methods
    ]


# Who is not known yet, and who asks for the erasure itself.
STILL_ANSWERED = {("GET", "/health"): 200, ("DELETE", "/me"): 200}


def test_every_other_request_of_an_erased_user_is_refused() -> None:
    api = Api()
    api.call("DELETE", "/me")
    routes = served()
    assert set(STILL_ANSWERED) < set(routes)
    assert len(routes) >= 9

    for method, path in routes:
        body: Any = {} if method in ("POST", "PUT") else None
        status, answer, _ = api.call(method, path, body)
        if (method, path) in STILL_ANSWERED:
            assert status == STILL_ANSWERED[method, path]
            continue
        assert (status, answer.get("code")) == (403, "user_erased"), (method, path)
        _, other, _ = api.call(method, path, body, user="somebody else")
        assert other.get("code") != "user_erased", (method, path)


def test_no_path_of_a_route_has_a_part_that_this_walk_does_not_fill_in() -> None:
    assert [path for _, path in served() if "{" in path] == []


def test_what_takes_longer_than_a_request_is_asked_for_again() -> None:
    api = Api()
    api.begin()

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 5_000

    api.context = Context()

    status, erasure, headers = api.call("DELETE", "/me")

    assert (status, erasure["finished"], headers["retry-after"]) == (202, False, "2")
    assert [line["finished"] for line in api.log.lines] == [False]


def test_two_erasures_at_once_are_told_apart() -> None:
    api = Api()

    class Overtaken(FakeErasureStore):
        def advance(self, *arguments: Any, **named: Any) -> Any:
            raise ErasureUnderWay(USER)

    deps = replace(api.deps, eraser=replace(api.deps.eraser, store=Overtaken(api.tables)))
    api.application = Application(deps)

    status, problem, headers = api.call("DELETE", "/me")

    assert (status, problem["code"]) == (409, "erasure_under_way")
    assert headers["retry-after"] == "2"


def use(api: Api, *, talk_s: int = 0, cost_usd: str = "0", user: str = USER) -> None:
    day = utc_day(api.tables.clock.now_ms())
    tokens = TokenUsage(text_in=10, audio_in=20, text_out=3, audio_out=4)
    api.tables.count(user, DayUsage(day, 1, talk_s * 1_000, tokens, Decimal(cost_usd)))


def test_who_has_used_the_day_up_is_told_until_when_and_let_in_the_next_day() -> None:
    api = Api()
    use(api, talk_s=3_600)

    status, problem, headers = api.call("POST", "/sessions", {})

    assert (status, problem["code"]) == (429, "daily_limit_reached")
    assert (problem["kind"], problem["limit"]) == ("talk_seconds", 3_600)
    assert problem["resets_at"] == "2026-11-21T00:00:00.000Z"
    assert headers["retry-after"] == str(12 * 3_600)
    assert api.call("POST", "/sessions", {}, user="user|2")[0] == 201

    api.tables.clock.advance(12 * 3_600_000 - 1)
    status, _, headers = api.call("POST", "/sessions", {})
    assert (status, headers["retry-after"]) == (429, "1")
    api.tables.clock.advance(1)
    assert api.call("POST", "/sessions", {})[0] == 201


def test_money_is_limited_too_and_an_operators_word_for_one_user_holds() -> None:
    api = Api()
    use(api, cost_usd="5")

    status, problem, _ = api.call("POST", "/sessions", {})
    assert (status, problem["kind"], problem["limit"]) == (429, "cost", 5)

    api.tables.profiles[USER] = Profile(USER, limits=OwnLimits(cost_usd=Decimal(0)))
    assert api.call("POST", "/sessions", {})[0] == 201


def test_who_comes_back_to_a_session_is_let_in_to_hear_the_end_of_it() -> None:
    api = Api()
    session = api.begin()
    use(api, cost_usd="5")

    status, _, _ = api.call("POST", "/sessions", {"session_id": session["session_id"]})

    assert status == 201


def test_users_see_what_they_used_and_what_is_left() -> None:
    api = Api()
    use(api, talk_s=600, cost_usd="1.5")
    api.tables.clock.advance(86_400_000)
    use(api, talk_s=4_000, cost_usd="0.25")

    status, usage, _ = api.call("GET", "/me/usage")

    today = {
        "day": "2026-11-21",
        "turns": 1,
        "talk_s": 4_000,
        "tokens_in": 30,
        "tokens_out": 7,
        "cost_usd": 0.25,
    }
    assert status == 200
    assert usage == {
        "today": today,
        "limits": [
            {"kind": "talk_seconds", "limit": 3_600, "left": 0},
            {"kind": "cost", "limit": 5, "left": 4.75},
        ],
        "resets_at": "2026-11-22T00:00:00.000Z",
        "days": [today, {**today, "day": "2026-11-20", "talk_s": 600, "cost_usd": 1.5}],
    }
    assert api.call("GET", "/me/usage", query="days=1")[1]["days"] == [today]
    assert api.call("GET", "/me/usage", user="user|2")[1]["days"] == []


def test_usage_is_refused_for_the_erased_and_for_too_many_days() -> None:
    api = Api()
    status, problem, _ = api.call("GET", "/me/usage", query="days=101")
    assert (status, problem["field"]) == (422, "days")

    api.tables.profiles[USER] = Profile(USER, erased_at_ms=NOON_MS)
    assert api.call("GET", "/me/usage")[0] == 403


def test_the_sample_event_of_usage_is_answered() -> None:
    answer = Api().application.handle(load_event("http_api.read_usage"), None)

    assert answer["statusCode"] == 200


def test_an_export_shows_all_that_is_kept_of_a_user() -> None:
    api = Api()
    session = api.begin("new")
    conversation_id = session["conversation_id"]
    use(api, talk_s=600, cost_usd="1.5")
    tables = api.tables
    header = tables.conversations[USER, conversation_id]
    tables.conversations[USER, conversation_id] = replace(
        header, title="An appointment", turn_count=1, summary="In short.", summary_through=1
    )
    tables.turns[conversation_id] = {1: Turn(1, "session-1", NOON_MS, NOON_MS + 2_000, "hi", "ho")}
    answer = CoreAnswer(CallStatus.DONE, "Booked.", False, Bill(TokenUsage(7, 0, 3, 0), Decimal(1)))
    exchange = Exchange(CallKey(1, 1), "secret-hash", "Book it.", answer, '["wire"]', NOON_MS)
    tables.calls[conversation_id] = {
        (CallKey(1, 1), ""): KeptCall(
            "secret-hash", "Book it.", 0, [BegunTool("book_appointment", "{}")], exchange
        ),
        (CallKey(2, 1), ""): KeptCall("secret-hash", "And now?", 0),
    }
    api.call("PUT", "/me/preferences", {"voice": "Puck"})
    tables.profiles[USER] = replace(tables.profiles[USER], limits=OwnLimits(60, Decimal("0.5")))
    api.notes.add(USER, "likes mornings", noted_at_ms=NOON_MS)
    slot = Slot(date(2026, 11, 27), time(10))
    api.desk.book(USER, slot, reason="a cut", booked_at_ms=NOON_MS)

    status, export, headers = api.call("GET", "/me/export")

    noon = "2026-11-20T12:00:00.000Z"
    used = {"turns": 1, "talk_s": 600, "tokens_in": 30, "tokens_out": 7, "cost_usd": 1.5}
    assert status == 200
    assert headers["cache-control"] == "no-store"
    (turn,) = export["conversations"][0].pop("turns")
    assert (turn["heard"]["text"], turn["said"]["text"]) == ("hi", "ho")
    assert export == {
        "version": 1,
        "exported_at": noon,
        "account": {
            "preferences": {"language": None, "voice": "Puck", "style": None},
            "limits": {"talk_s_per_day": 60, "usd_per_day": 0.5},
            "notes": [{"text": "likes mornings", "noted_at": noon}],
            "bookings": [{"starts_at": "2026-11-27T10:00", "reason": "a cut", "booked_at": noon}],
            "usage_days": [{"day": "2026-11-20", **used}],
            "usage_total": used,
        },
        "conversations": [
            {
                "conversation_id": conversation_id,
                "title": "An appointment",
                "turn_count": 1,
                "created_at": noon,
                "updated_at": noon,
                "summary": {"text": "In short.", "through_turn": 1},
                "continued": False,
                "calls": [
                    {
                        "turn": 1,
                        "question": "Book it.",
                        "status": "done",
                        "answer": "Booked.",
                        "tools": [{"name": "book_appointment", "arguments": "{}"}],
                        "finished_at": noon,
                        "tokens_in": 7,
                        "tokens_out": 3,
                        "cost_usd": 1,
                    },
                    {
                        "turn": 2,
                        "question": "And now?",
                        "status": "unfinished",
                        "answer": None,
                        "tools": [],
                        "finished_at": None,
                        "tokens_in": 0,
                        "tokens_out": 0,
                        "cost_usd": 0,
                    },
                ],
            }
        ],
        "next_after": None,
    }
    assert "secret-hash" not in str(export)
    (line,) = [line for line in api.log.lines if line["message"] == "user data exported"]
    assert (line["conversations"], line["is_last"]) == (1, True)


def test_an_export_is_read_page_by_page_by_its_user_alone() -> None:
    api = Api()
    texts = ['"\x01 \u0928\U0001f600' * 18_000 for _ in range(8)]
    conversation_id = api.begin("new")["conversation_id"]
    api.tables.turns[conversation_id] = {
        number: Turn(number, "session-1", NOON_MS, NOON_MS, text)
        for number, text in enumerate(texts, 1)
    }
    heard: list[str] = []
    query, pages = "", 0
    while True:
        status, export, _ = api.call("GET", "/me/export", query=query)
        assert status == 200
        assert (export["account"] is None) == bool(query)
        # Lambda answers with a JSON text that holds the body's, escaped once more.
        assert len(json.dumps(json.dumps(export))) < 6_000_000
        heard += [
            turn["heard"]["text"] for part in export["conversations"] for turn in part["turns"]
        ]
        pages += 1
        if export["next_after"] is None:
            break
        query = f"after={export['next_after']}"
        status, problem, _ = api.call("GET", "/me/export", query=query, user="user|2")
        assert (status, problem["code"], problem["field"]) == (422, "invalid_request", "after")
    assert heard == texts
    assert pages > 1


def test_the_largest_entry_on_top_of_a_full_page_is_less_than_lambda_answers() -> None:
    # An item holds 300 KB; a control character takes seven bytes of an answer.
    assert export_user.PAGE_BYTES + 7 * 300_000 < 6_000_000 - 500_000


def test_an_export_cannot_be_asked_for_with_a_cursor_of_ones_own_making() -> None:
    for cursor in ("x", "", "conversation-1", "a" * 1_001):
        status, problem, _ = Api().call("GET", "/me/export", query=f"after={cursor}")
        assert (status, problem["field"]) == (422, "after")


def test_the_sample_event_of_an_export_is_answered() -> None:
    answer = Api().application.handle(load_event("http_api.export"), None)

    assert answer["statusCode"] == 200
