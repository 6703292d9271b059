"""core_agent as Lambda runs it: its entry point on real tables and secrets, the model scripted."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.handler import build, lambda_handler
from repartee.adapters.clock import SystemClock
from repartee.adapters.desk_table import DeskTable
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.call_store import DynamoCallStore
from repartee.domain.calls import CallKey, arguments_hash
from repartee.domain.desk import Slot, weekday_hours
from tests.contract.scenes import CONVERSATION, SESSION, USER, served_session
from tests.contract.servers import MINISTACK, Servers, require
from tests.contract.stores import TableNames, dynamodb_stores, tables
from tests.integration.scripted_gemini import ScriptedGemini, call, say, serving

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = pytest.mark.integration

ZONE = ZoneInfo("Europe/London")
DEADLINE_MS = 30_000


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("servers"))
    try:
        yield running
    finally:
        running.stop()


def _next_weekday() -> date:
    day = datetime.now(UTC).astimezone(ZONE).date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


@dataclass(frozen=True, slots=True)
class Deployed:
    """The function with what it stands on."""

    client: "DynamoDBClient"
    names: TableNames
    desk: DeskTable
    gemini: ScriptedGemini
    slot: Slot

    def event(self, question: str, *, index: int = 1, epoch: int = 1) -> dict[str, Any]:
        return {
            "user_id": USER,
            "conversation_id": CONVERSATION,
            "session_id": SESSION,
            "epoch": epoch,
            "turn": 1,
            "index": index,
            "arguments_hash": arguments_hash("ask_core_agent", question),
            "question": question,
            "language": "en-US",
            "deadline_ms": SystemClock().now_ms() + DEADLINE_MS,
        }

    def booked(self) -> list[Slot]:
        return [booking.slot for booking in self.desk.bookings(USER)]


@pytest.fixture
def deployed(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """A model that books a slot and says so; the same again for each further question."""
    require(servers, MINISTACK)
    client = servers.dynamodb(MINISTACK)
    secret = servers.secrets_manager().create_secret(
        Name=f"gemini-{threading.get_native_id()}-{SystemClock().monotonic_ms()}",
        SecretString="made-up-key",
    )
    slot = Slot(_next_weekday(), time(15))
    booking = call("book_appointment", date=f"{slot.day}", time="15:00", reason="check-up")
    script = [[booking], say("You are booked.")] * 4
    with tables(client) as names, tables(client) as more, serving(script) as gemini:
        served_session(dynamodb_stores(client, names))
        for name, value in {
            "AWS_ENDPOINT_URL": servers.endpoint(MINISTACK),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LIVE_TABLE": names.live,
            "MEMORY_TABLE": names.memory,
            "DESK_TABLE": more.memory,
            "GEMINI_KEY_SECRET_ARN": secret["ARN"],
            "GEMINI_BASE_URL": gemini.base_url,
            "POWERTOOLS_SERVICE_NAME": "core-agent",
        }.items():
            monkeypatch.setenv(name, value)
        build.cache_clear()
        desk = DeskTable(client, more.memory, weekday_hours(ZONE))
        yield Deployed(client, names, desk, gemini, slot)
        build.cache_clear()


def test_a_question_books_a_slot_and_is_remembered(deployed: Deployed) -> None:
    answer = lambda_handler(deployed.event("book me in at three"), None)

    assert (answer["status"], answer["answer"]) == ("done", "You are booked.")
    assert deployed.booked() == [deployed.slot]
    calls = DynamoCallStore(
        deployed.client, live_table=deployed.names.live, memory_table=deployed.names.memory
    )
    stored = calls.load(CONVERSATION, CallKey(1, 1))
    assert stored is not None
    assert stored.question == "book me in at three"
    assert "c2lnbmVk" in stored.messages_json


def test_the_same_call_twice_at_once_runs_the_model_once(deployed: Deployed) -> None:
    second_asks = threading.Event()
    # The model answers the first only when the second is on its way.
    deployed.gemini.on_request = lambda: second_asks.wait(10)

    def again() -> dict[str, Any]:
        second_asks.set()
        return lambda_handler(deployed.event("book me in at three"), None)

    build()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda_handler, deployed.event("book me in at three"), None)
        second = pool.submit(again)
        answers = [first.result(60), second.result(60)]

    assert answers[0] == answers[1]
    assert answers[0]["answer"] == "You are booked."
    assert len(deployed.gemini.requests) == 2
    assert deployed.booked() == [deployed.slot]


def test_a_run_that_died_after_booking_is_replayed_without_a_second_booking(
    deployed: Deployed,
) -> None:
    first = lambda_handler(deployed.event("book me in at three"), None)
    # As if the process had died before storing, and its claim had run out since.
    deployed.client.delete_item(
        TableName=deployed.names.memory, Key=keys.call(CONVERSATION, CallKey(1, 1))
    )

    again = lambda_handler(deployed.event("book me in at three"), None)

    assert again == first
    assert len(deployed.gemini.requests) == 4
    assert deployed.booked() == [deployed.slot]


def test_a_stale_worker_changes_nothing(deployed: Deployed) -> None:
    answer = lambda_handler(deployed.event("book me in at three", epoch=0), None)

    assert answer["status"] == "refused"
    assert deployed.gemini.requests == []
    assert deployed.booked() == []
