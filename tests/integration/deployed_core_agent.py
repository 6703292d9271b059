"""Deploys core_agent for a test as Lambda runs it, with real tables and a real secret.

The model is scripted; LangChain and Google's client are the real ones.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from core_agent.handler import build
from repartee.adapters.clock import SystemClock
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import default_rules
from repartee.domain.tools.core_calls import arguments_hash
from tests.contract.scenes import CONVERSATION, SESSION, USER, served_session
from tests.contract.servers import MINISTACK, Servers, require
from tests.contract.stores import Stores, TableNames, dynamodb_stores, tables
from tests.integration.scripted_gemini import ScriptedGemini, Step, serving

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

ZONE = ZoneInfo("Europe/London")
DEADLINE_MS = 30_000


def next_weekday() -> date:
    """Return the first day after today on which the desk is open."""
    day = datetime.now(UTC).astimezone(ZONE).date() + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return day


@dataclass(frozen=True, slots=True)
class DeployedCoreAgent:
    """The function with what it stands on.

    Attributes:
        environment: The function's variables, for a separate process.
        slot: Three o'clock on the next day that the desk is open.
    """

    client: "DynamoDBClient"
    names: TableNames
    desk_table: str
    stores: Stores
    desk: DeskTable
    gemini: ScriptedGemini
    environment: Mapping[str, str]
    slot: Slot

    def event(
        self, question: str, *, index: int = 1, epoch: int = 1, turn: int = 1
    ) -> dict[str, Any]:
        """Return the event of a question by the user of the tests' session."""
        return {
            "user_id": USER,
            "conversation_id": CONVERSATION,
            "session_id": SESSION,
            "epoch": epoch,
            "turn": turn,
            "index": index,
            "arguments_hash": arguments_hash("ask_core_agent", question),
            "question": question,
            "language": "en-US",
            "deadline_ms": SystemClock().now_ms() + DEADLINE_MS,
        }

    def booked(self, user_id: str = USER) -> list[Slot]:
        """Return the user's booked slots in order of time."""
        return [booking.slot for booking in self.desk.bookings(user_id)]


@contextmanager
def deployed_core_agent(
    servers: Servers, dynamodb: str, script: Sequence[Step]
) -> Iterator[DeployedCoreAgent]:
    """Deploy the function on its own tables, with a session that a worker serves.

    Args:
        servers: MiniStack holds the secret.
        dynamodb: DynamoDB holds the tables.
        script: The model's replies, see ``ScriptedGemini``.
    """
    require(servers, MINISTACK)
    require(servers, dynamodb)
    client = servers.dynamodb(dynamodb)
    secret = servers.secrets_manager().create_secret(
        Name=f"gemini-{threading.get_native_id()}-{SystemClock().monotonic_ms()}",
        SecretString="made-up-key",
    )
    with tables(client) as names, tables(client) as more, serving(script) as gemini:
        stores = dynamodb_stores(client, names)
        served_session(stores)
        environment = {
            "AWS_ENDPOINT_URL": servers.endpoint(MINISTACK),
            "AWS_ENDPOINT_URL_DYNAMODB": servers.endpoint(dynamodb),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "LIVE_TABLE": names.live,
            "MEMORY_TABLE": names.memory,
            "DESK_TABLE": more.memory,
            "GEMINI_KEY_SECRET_ARN": secret["ARN"],
            "GEMINI_BASE_URL": gemini.base_url,
            "POWERTOOLS_SERVICE_NAME": "core-agent",
        }
        desk = DeskTable(
            desk=DynamoTable(client, more.memory),
            default_rules=default_rules(ZONE),
            memory=DynamoTable(client, names.memory),
        )
        with patch.dict("os.environ", environment):
            build.cache_clear()
            yield DeployedCoreAgent(
                client,
                names,
                more.memory,
                stores,
                desk,
                gemini,
                environment,
                Slot(next_weekday(), time(15)),
            )
            build.cache_clear()
