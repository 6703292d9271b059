"""The gateway's functions as they are deployed, on real tables, from the ticket to the end."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

import authorizer.handler
import connect.handler
import core_agent.handler
import disconnect.handler
import http_api.handler
import message.handler
import stream_agent.handler
from local.hosting.programs import NotInstalledError
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.ids import UlidSource
from repartee.domain.conversation.conversation import Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.limits import DAY_MS
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import ConversationErased, LeaseLost
from repartee.domain.protocol.messages import (
    Acknowledged,
    Detached,
    Hello,
    Notice,
    Notified,
    Numbered,
    OutputPosition,
    PreferencesChanged,
    Superseded,
    Text,
    Unknown,
)
from repartee.domain.session.state import Spending, TurnAmendment, TurnCommit
from repartee.domain.tools.core_calls import (
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.preferences import PreferenceChanges
from tests.contract.aws_double import Answer, Request, aws_double
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers
from tests.contract.stores import all_items, tables
from tests.event_files import load_event

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.integration

HANDLERS = (
    authorizer.handler,
    connect.handler,
    core_agent.handler,
    disconnect.handler,
    http_api.handler,
    stream_agent.handler,
)
CONNECTION_PATH = "/live/@connections/"


@dataclass
class Deployment:
    """The functions, their messages to clients and their wakes."""

    client: "DynamoDBClient"
    live_table: str
    memory_table: str
    key: str = "k" * 64
    context: dict[str, str] = field(default_factory=dict)
    frames: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    wakes: list[dict[str, Any]] = field(default_factory=list)

    def respond(self, request: Request) -> Answer:
        """Answer as Secrets Manager, Lambda and ``@connections``."""
        if request.headers.get("X-Amz-Target", "").endswith("GetSecretValue"):
            return Answer(body=json.dumps({"Name": "ticket-key", "SecretString": self.key}))
        if request.path.endswith("/invocations"):
            self.wakes.append(json.loads(request.body))
            return Answer(202)
        connection_id = request.path.removeprefix(CONNECTION_PATH)
        self.frames.append((connection_id, json.loads(request.body)))
        return Answer()

    def post_session(self, body: dict[str, Any], user: str = "user-1") -> tuple[int, Any]:
        event = load_event("http_api.create_session")
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = user
        event["body"] = json.dumps(body)
        event["headers"]["content-length"] = str(len(event["body"]))
        answer = http_api.handler.lambda_handler(event, None)
        return answer["statusCode"], json.loads(answer["body"])

    def put_preferences(self, body: dict[str, Any], user: str = "user-1") -> tuple[int, Any]:
        event = load_event("http_api.create_session")
        event |= {"rawPath": "/me/preferences", "body": json.dumps(body)}
        event["requestContext"]["http"] |= {"method": "PUT", "path": "/me/preferences"}
        event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = user
        event["headers"]["content-length"] = str(len(event["body"]))
        answer = http_api.handler.lambda_handler(event, None)
        return answer["statusCode"], json.loads(answer["body"])

    def connect(self, url: str, connection_id: str) -> int:
        """Open a connection as API Gateway does; return the handshake's status."""
        event = load_event("authorizer.expired_ticket")
        (ticket,) = parse_qs(urlsplit(url).query)["ticket"]
        event["queryStringParameters"] = {"ticket": ticket}
        event["requestContext"]["connectionId"] = connection_id
        answer = authorizer.handler.lambda_handler(event, None)
        if answer["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            return 403
        event = load_event("connect.new_session")
        event["requestContext"] |= {"connectionId": connection_id, "authorizer": answer["context"]}
        self.context = answer["context"]
        status: int = connect.handler.lambda_handler(event, None)["statusCode"]
        return status

    def send(self, connection_id: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        event = load_event("message.hello")
        event["requestContext"] |= {"connectionId": connection_id, "authorizer": self.context}
        event["body"] = json.dumps(body)
        before = len(self.frames)
        assert message.handler.lambda_handler(event, None) == {"statusCode": 200}
        # It posts only to its own client, and to a client whose session it takes over.
        for to, frame in self.frames[before:]:
            assert to == connection_id or frame["code"] == "superseded_connection"
        return [frame for to, frame in self.frames[before:] if to == connection_id]

    def leave(self, connection_id: str) -> None:
        event = load_event("disconnect.client_closed")
        event["requestContext"] |= {"connectionId": connection_id, "authorizer": self.context}
        assert disconnect.handler.lambda_handler(event, None) == {"statusCode": 200}

    def mailbox(self, session_id: str) -> tuple[list[Numbered], list[Notice | Unknown]]:
        live = DynamoTable(self.client, self.live_table)
        mailbox = DynamoMailbox(session_table=live, clock=SystemClock(), ids=UlidSource())
        entries = mailbox.read_after(session_id, 0)
        return (
            [entry for entry in entries if isinstance(entry, Numbered)],
            [entry.notice for entry in entries if isinstance(entry, Notified)],
        )

    def serve(self, session_id: str) -> None:
        """Take the session's lease, as a stream agent does."""
        sessions = DynamoSessionStore(session_table=DynamoTable(self.client, self.live_table))
        now_ms = SystemClock().now_ms()
        lease = sessions.acquire_lease(
            session_id, owner="worker-1", now_ms=now_ms, until_ms=now_ms + 60_000
        )
        assert lease is not None


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("servers"))
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def deployed(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    try:
        name, endpoint = DYNAMODB_LOCAL, servers.endpoint(DYNAMODB_LOCAL)
    except NotInstalledError:
        name, endpoint = MINISTACK, servers.endpoint(MINISTACK)
    client = servers.dynamodb(name)
    with tables(client) as names, aws_double() as double:
        deployment = Deployment(client, names.live, names.memory)
        double.respond = deployment.respond
        environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
            "AWS_ENDPOINT_URL_LAMBDA": double.url,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": double.url,
            "LIVE_TABLE": names.live,
            "MEMORY_TABLE": names.memory,
            "DESK_TABLE": names.desk,
            "MANAGEMENT_ENDPOINT": f"{double.url}/live",
            "PAGE_DIRECTORY": "/opt/site",
            "WEBSOCKET_URL": "wss://voice.example/live",
            "STREAM_AGENT_FUNCTION": "repartee-stream-agent",
            "TICKET_KEY_SECRET_ARN": "ticket-key",
            "GEMINI_KEY_SECRET_ARN": "gemini-key",
            "CORE_AGENT_FUNCTION": "repartee-core-agent",
            "ALLOWED_ORIGINS": "https://app.example.com",
        }
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        builds = [handler.build for handler in (*HANDLERS, message.handler)]
        for build in builds:
            build.cache_clear()
        try:
            yield deployment
        finally:
            for build in builds:
                build.cache_clear()


def test_a_call_from_its_ticket_to_its_end(deployed: Deployment) -> None:
    status, session = deployed.post_session({"conversation_id": "new"})
    assert status == 201

    assert deployed.connect(session["url"], "connection-1=") == 200
    assert deployed.connect(session["url"], "connection-2=") == 403, "a ticket is good once"

    (ready,) = deployed.send("connection-1=", {"type": "hello", "seq": 1, "protocol": 1})
    assert ready["type"] == "ready"
    assert ready["session_id"] == session["session_id"]
    assert ready["conversation_id"] == session["conversation_id"]
    deployed.send("connection-1=", {"type": "text", "seq": 2, "text": "hello"})
    (wake,) = deployed.wakes
    assert wake | {"woken_at_ms": 0} == {
        "session_id": session["session_id"],
        "user_id": "user-1",
        "conversation_id": session["conversation_id"],
        "woken_at_ms": 0,
        "hop": 0,
    }

    deployed.serve(session["session_id"])
    assert deployed.send("connection-1=", {"type": "ping", "owed": True}) == [
        {"type": "pong", "served": True}
    ]
    acknowledgement = {"type": "ack", "received": {"epoch": 1, "seq": 3}, "turn": 1}
    deployed.send("connection-1=", acknowledgement)
    deployed.leave("connection-1=")

    numbered, notices = deployed.mailbox(session["session_id"])
    hello, said = (each.message for each in numbered)
    assert isinstance(hello, Hello)
    assert said == Text("hello")
    assert {each.connection_id for each in numbered} == {"connection-1="}
    assert len(deployed.wakes) == 1
    assert Detached("connection-1=") in notices
    assert Acknowledged(OutputPosition(1, 3), 1, None) in notices


def test_a_second_device_takes_the_conversation_over(deployed: Deployment) -> None:
    _, first = deployed.post_session({"conversation_id": "new"})
    deployed.connect(first["url"], "connection-1=")

    _, second = deployed.post_session({})
    assert second["conversation_id"] == first["conversation_id"]
    assert deployed.connect(second["url"], "connection-2=") == 200

    _, notices = deployed.mailbox(first["session_id"])
    assert notices == [Superseded(second["session_id"])]
    assert deployed.mailbox(second["session_id"]) == ([], [])


def test_a_change_of_preferences_reaches_the_mailboxes_of_their_user_alone(
    deployed: Deployment,
) -> None:
    _, session = deployed.post_session({"conversation_id": "new"})
    deployed.connect(session["url"], "connection-1=")
    _, of_another = deployed.post_session({"conversation_id": "new"}, user="user-2")
    deployed.connect(of_another["url"], "connection-2=")

    status, settled = deployed.put_preferences({"language": "ES-es", "style": None})

    assert (status, settled) == (200, {"language": "es-ES", "voice": None, "style": None})
    _, (notice,) = deployed.mailbox(session["session_id"])
    assert isinstance(notice, PreferencesChanged)
    assert notice.changes == PreferenceChanges(language="es-ES", style="")
    assert deployed.mailbox(of_another["session_id"]) == ([], [])
    assert deployed.wakes == []


def test_a_lost_connection_comes_back_to_its_session(deployed: Deployment) -> None:
    _, session = deployed.post_session({"conversation_id": "new"})
    deployed.connect(session["url"], "connection-1=")
    deployed.send("connection-1=", {"type": "hello", "seq": 1, "protocol": 1})
    deployed.leave("connection-1=")

    _, again = deployed.post_session({"session_id": session["session_id"]})
    assert deployed.connect(again["url"], "connection-2=") == 200
    deployed.send("connection-2=", {"type": "hello", "seq": 2, "protocol": 1})

    numbered, _ = deployed.mailbox(session["session_id"])
    assert [each.connection_id for each in numbered] == ["connection-1=", "connection-2="]


def test_a_session_above_the_cap_is_refused_with_ticket_and_connection(
    deployed: Deployment,
) -> None:
    _, spare = deployed.post_session({"conversation_id": "new"})
    for number in range(3):
        _, session = deployed.post_session({"conversation_id": "new"})
        assert deployed.connect(session["url"], f"connection-{number}=") == 200

    status, problem = deployed.post_session({"conversation_id": "new"})
    assert (status, problem["code"]) == (429, "too_many_sessions")
    assert deployed.connect(spare["url"], "connection-4=") == 429


def test_history_is_read_from_the_tables(deployed: Deployment) -> None:
    _, session = deployed.post_session({"conversation_id": "new"})
    deployed.connect(session["url"], "connection-1=")
    listing = load_event("http_api.list_conversations")
    listing["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = "user-1"
    answer = http_api.handler.lambda_handler(listing, None)
    (found,) = json.loads(answer["body"])["conversations"]
    assert found["conversation_id"] == session["conversation_id"]

    turns = load_event("http_api.list_turns")
    turns["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = "user-1"
    path = f"/conversations/{session['conversation_id']}/turns"
    turns["rawPath"] = turns["requestContext"]["http"]["path"] = path
    answer = http_api.handler.lambda_handler(turns, None)
    assert json.loads(answer["body"]) == {"turns": [], "next_after": None}


def test_with_retention_every_function_writes_expiries(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DAYS", "30")
    _, session = deployed.post_session({"conversation_id": "new"})
    session_id, conversation_id = session["session_id"], session["conversation_id"]
    assert deployed.connect(session["url"], "connection-1=") == 200
    deployed.serve(session_id)
    now_ms = SystemClock().now_ms()

    talking = stream_agent.handler.build().server.ports
    turn = Turn(1, session_id, now_ms - 2_000, now_ms, "heard", "said")
    talking.writer.commit_turn(
        TurnCommit("user-1", conversation_id, session_id, 1, turn, 0, now_ms)
    )
    tomorrow_ms = now_ms + DAY_MS
    bill = TokenUsage(), turn.cost_usd
    talking.usage.add(Spending("user-1", session_id, "late", tomorrow_ms, *bill))
    thinking = core_agent.handler.build()
    request = CoreRequest(
        "user-1", conversation_id, session_id, 1, ToolCallKey(1, 1), "h", "q", "en-US", now_ms
    )
    thinking.answerer.calls.claim(request, now_ms=now_ms, until_ms=now_ms + 1_000)
    fold = SummaryFold("user-1", conversation_id, 0, 1, "in short")
    assert thinking.summariser.summaries.fold_summary(fold)
    after_tomorrow_ms = tomorrow_ms + DAY_MS
    thinking.summariser.usage.add(Spending("user-1", session_id, "sum", after_tomorrow_ms, *bill))

    items = all_items(deployed.client, deployed.memory_table)
    expiring = {item["sk"]["S"].partition("#")[0] for item in items if "expires_at" in item}
    assert len(items) == 7
    assert all("expires_at" in item for item in items), items
    assert expiring == {"conv", "turn", "call", "summary", "usage"}


class ShortOfTime:
    """The context of an invocation that has no time for the last look."""

    def get_remaining_time_in_millis(self) -> int:
        return 5_000


def test_later_writes_restore_nothing_of_an_erased_conversation(
    deployed: Deployment,
) -> None:
    _, session = deployed.post_session({"conversation_id": "new"})
    session_id, conversation_id = session["session_id"], session["conversation_id"]
    deployed.connect(session["url"], "connection-1=")
    deployed.serve(session_id)
    _, late = deployed.post_session({"conversation_id": conversation_id})
    _, again = deployed.post_session({"session_id": session_id})
    now_ms = SystemClock().now_ms()
    talking, thinking = stream_agent.handler.build().server.ports, core_agent.handler.build()
    turns = [Turn(number, session_id, now_ms - 2_000, now_ms, "heard", "said") for number in (1, 2)]
    commits = [
        TurnCommit("user-1", conversation_id, session_id, 1, turn, 0, now_ms) for turn in turns
    ]
    request = CoreRequest(
        "user-1", conversation_id, session_id, 1, ToolCallKey(2, 1), "h", "q", "en-US", now_ms
    )
    talking.writer.commit_turn(commits[0])
    thinking.answerer.calls.claim(request, now_ms=now_ms, until_ms=now_ms + 9_000)
    event = load_event("http_api.list_turns")
    event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = "user-1"
    path = f"/conversations/{conversation_id}"
    event |= {"rawPath": path, "rawQueryString": ""}
    event["requestContext"]["http"] |= {"method": "DELETE", "path": path}

    erased = http_api.handler.lambda_handler(event, ShortOfTime())

    assert (erased["statusCode"], json.loads(erased["body"])["finished"]) == (202, False)
    assert deployed.frames.pop() == (
        "connection-1=",
        {"type": "closed", "epoch": 2, "seq": 1, "reason": "erased"},
    )
    for url in (late["url"], again["url"]):
        assert deployed.connect(url, "connection-2=") == 403
    assert deployed.post_session({"conversation_id": conversation_id})[0] == 404
    (refused,) = deployed.send("connection-1=", {"type": "text", "seq": 1, "text": "hello"})
    assert refused["code"] == "session_ended"
    deployed.leave("connection-1=")
    with pytest.raises(ConversationErased):
        talking.writer.commit_turn(commits[1])
    amendment = TurnAmendment("user-1", conversation_id, session_id, 1, turns[0])
    with pytest.raises(LeaseLost):
        talking.writer.amend_turn(amendment)
    done = CoreAnswer(ToolCallStatus.DONE, "Booked.")
    exchange = Exchange(request.key, "h", "q", done, "[]", now_ms)
    thinking.answerer.calls.finish(conversation_id, exchange)
    with pytest.raises(LeaseLost):
        thinking.answerer.calls.claim(request, now_ms=now_ms, until_ms=now_ms + 9_000)
    fold = SummaryFold("user-1", conversation_id, 0, 1, "in short")
    assert not thinking.summariser.summaries.fold_summary(fold)
    # The question was billed, so it counts in the day.
    cost = Spending("user-1", session_id, "late", now_ms, TokenUsage(), Decimal("0.25"))
    thinking.answerer.usage.add(cost)

    left = {
        item["sk"]["S"].partition("#")[0]
        for item in all_items(deployed.client, deployed.live_table, deployed.memory_table)
        if item["sk"]["S"] != "spent"
    }
    # The request with the last look deletes the opening; ``conv`` is the tombstone.
    assert left == {"opening", "sessions", "conv", "usage"}


def test_a_ticket_signed_with_another_key_is_refused_before_anything_is_written(
    deployed: Deployment,
) -> None:
    _, session = deployed.post_session({"conversation_id": "new"})
    authorizer.handler.build.cache_clear()
    deployed.key = "o" * 64

    assert deployed.connect(session["url"], "connection-1=") == 403
    assert not all_items(deployed.client, deployed.live_table)
