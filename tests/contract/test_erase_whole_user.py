"""Erasure of users whose items were all written by the adapters."""

import secrets
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.application.users.erase_user import UserEraser
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import DeskRules, OpeningHours
from repartee.domain.protocol.messages import (
    Acknowledged,
    Audio,
    Detached,
    Numbered,
    OutputPosition,
)
from repartee.domain.session.state import PendingCall, Spending, UndeliveredTurn
from repartee.domain.tools.core_calls import (
    BegunTool,
    CoreAnswer,
    CoreRequest,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.preferences import PreferenceChanges
from tests.contract.scenes import commit, served_session, turn
from tests.contract.servers import Servers
from tests.contract.stores import Order, Stores, TableNames, all_items, dynamodb_stores
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

FRIDAY = date(2026, 11, 27)
DAY_MS = 86_400_000
WORDS = (
    "likes mornings",
    "speak slowly",
    "Ann wants Friday",
    "said once",
    "when may I come",
    "left the depot",
)


def write_every_kind_of_item(stores: Stores, desk: DeskTable, user: str, hour: int) -> None:
    """Write every kind of item about a user that the adapters write."""
    session, conversation = f"session-of-{user}", f"conversation-of-{user}"
    served_session(stores, user=user, session=session, conversation=conversation)
    stores.profiles.change(
        user, PreferenceChanges(language="es-ES", voice="Puck", style="speak slowly")
    )
    for text in ("likes mornings", "is allergic to penicillin"):
        stores.notes.add(user, text, noted_at_ms=NOON_MS)
    spoken = replace(
        turn(1, session=session, heard="hello", said="said once"),
        usage=TokenUsage(1, 2, 3, 4),
        cost_usd=Decimal("0.5"),
    )
    stores.writer.commit_turn(commit(spoken, user=user, conversation=conversation))
    later = turn(2, session=session, said="said once")
    last = commit(later, cursor=3, user=user, conversation=conversation)
    stores.writer.commit_turn(
        replace(
            last,
            committed_at_ms=last.committed_at_ms + DAY_MS,
            pending_calls=(PendingCall(ToolCallKey(2, 1), "ask_core_agent", "{}", "ab" * 32),),
            undelivered=(UndeliveredTurn(2, OutputPosition(1, 9)),),
        )
    )
    stores.usage.add(
        Spending(
            user, session, secrets.token_hex(18), NOON_MS, TokenUsage(1, 2, 3, 4), Decimal("0.25")
        )
    )
    assert stores.summaries.fold_summary(SummaryFold(user, conversation, 0, 1, "Ann wants Friday"))
    for asked_hash in ("ab" * 32, "cd" * 32):
        asked = CoreRequest(
            user,
            conversation,
            session,
            1,
            ToolCallKey(2, 1),
            asked_hash,
            "when may I come?",
            "en-US",
            NOON_MS + 20_000,
        )
        stores.calls.claim(asked, now_ms=NOON_MS, until_ms=NOON_MS + 25_000)
        stores.calls.begin_tool(conversation, asked.key, asked_hash, BegunTool("book", "{}"))
        done = CoreAnswer(ToolCallStatus.DONE, "On Friday.")
        stores.calls.finish(
            conversation, Exchange(asked.key, asked_hash, asked.question, done, "[]", NOON_MS)
        )
    stores.mailbox.append(session, Numbered(4, Audio(b"\0\0"), f"connection-of-{session}", NOON_MS))
    stores.mailbox.notify(session, Detached("another"), now_ms=NOON_MS)
    stores.mailbox.notify(session, Acknowledged(OutputPosition(1, 2), 1, 500), now_ms=NOON_MS)
    stores.sessions.elect_waker(session, NOON_MS)
    stores.orders.put(user, "42", Order(state="left the depot"))
    desk.book(user, Slot(FRIDAY, time(hour)), reason="check-up", booked_at_ms=NOON_MS)


class World:
    """Two users in real tables."""

    def __init__(self, client: "DynamoDBClient", names: TableNames) -> None:
        self.client = client
        self.names = names
        self.stores = dynamodb_stores(client, names)
        zone = ZoneInfo("Europe/London")
        week = {"friday": OpeningHours(time(9), time(17))}
        self.desk = DeskTable(
            desk=DynamoTable(client, names.desk),
            default_rules=DeskRules(week=week, slot_minutes=60, time_zone=zone),
            memory=DynamoTable(client, names.memory),
        )
        for hour, user in enumerate(("ann", "ben"), start=10):
            write_every_kind_of_item(self.stores, self.desk, user, hour)

    def items(self) -> list[dict[str, Any]]:
        return all_items(self.client, self.names.live, self.names.memory, self.names.desk)

    def of(self, user: str) -> list[str]:
        """Return every item that names the user or one of the user's ids."""
        return sorted(repr(sorted(item.items())) for item in self.items() if user in repr(item))

    def erase(self, user: str) -> None:
        clock = self.stores.clock
        eraser = UserEraser(
            self.stores.erasures,
            FakeClientChannel(),
            clock,
            lambda wait_s: clock.advance(round(wait_s * 1000)),
        )
        eraser.erase(user, remaining_ms=lambda: 29_000)


@pytest.fixture
def world(dynamodb_name: str, servers: Servers, table_names: TableNames) -> World:
    return World(servers.dynamodb(dynamodb_name), table_names)


def test_only_the_tombstone_stays_of_a_user_with_every_kind_of_item(
    world: World,
) -> None:
    profile = world.client.get_item(TableName=world.names.memory, Key=keys.profile("ann"))["Item"]
    assert {"notes_version", "language", "voice", "style"} <= set(profile)
    state = world.stores.sessions.load("session-of-ann")
    assert state is not None
    assert state.undelivered
    assert state.pending_calls
    assert state.cost_usd == Decimal("0.75")
    assert len(world.stores.usage.days("ann", limit=9)) == 2
    before = repr(list(world.items()))
    assert all(words in before for words in WORDS)
    of_ben = world.of("ben")

    world.erase("ann")

    # A spent ticket names no user; only its id in this test contains her name.
    (left,) = [item for item in world.items() if "ann" in repr(item) and item["sk"]["S"] != "spent"]
    assert left["pk"] == keys.profile("ann")["pk"]
    assert set(left) == {"pk", "sk", "erased_at_ms", "finished_at_ms", "deleted", "step", "mark"}
    assert all(set(count) == {"N"} for count in left["deleted"]["M"].values())
    assert world.of("ben") == of_ben


def test_no_text_stays_when_all_users_are_erased(world: World) -> None:
    world.erase("ann")
    world.erase("ben")

    left = repr(list(world.items()))
    assert not [words for words in WORDS if words in left]
    kinds = sorted(item["sk"]["S"] for item in world.items())
    assert kinds == ["profile", "profile", "spent", "spent"]
