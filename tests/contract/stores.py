"""The stores of one test, as fakes or on real tables, with their clock and ids."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.reader import DynamoConversationReader
from repartee.adapters.dynamodb.conversations.summary_writer import DynamoSummaryWriter
from repartee.adapters.dynamodb.conversations.tool_call_store import DynamoToolCallStore
from repartee.adapters.dynamodb.conversations.writer import DynamoConversationWriter
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.sessions.connection_store import DynamoConnectionStore
from repartee.adapters.dynamodb.sessions.mailbox import DynamoMailbox
from repartee.adapters.dynamodb.sessions.opening_store import DynamoOpeningStore
from repartee.adapters.dynamodb.sessions.store import DynamoSessionStore
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.erasure_store import DynamoErasureStore
from repartee.adapters.dynamodb.users.notes import DynamoNotes
from repartee.adapters.dynamodb.users.profile_store import DynamoProfileStore
from repartee.adapters.dynamodb.users.tool_records import DynamoToolRecords
from repartee.adapters.dynamodb.users.usage_store import DynamoUsageStore
from repartee.adapters.dynamodb.users.user_records import DynamoUserRecords
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.front_desk.rules import OpeningHours, default_rules
from repartee.domain.users.preferences import Profile
from repartee.domain.users.retention import KEEP_FOREVER, Retention
from repartee.ports.answers import ToolCallStore
from repartee.ports.conversations import ConversationReader, ConversationWriter, SummaryWriter
from repartee.ports.front_desk import Desk
from repartee.ports.sessions import ConnectionStore, Mailbox, OpeningStore, SessionStore
from repartee.ports.tool_records import ToolRecords
from repartee.ports.users import ErasureStore, Notes, ProfileStore, UsageStore, UserRecords
from tests.fakes.clock import FakeClock
from tests.fakes.connection_store import FakeConnectionStore
from tests.fakes.conversation_store import FakeConversationStore
from tests.fakes.desk import FakeDesk
from tests.fakes.erasure_store import FakeErasureStore
from tests.fakes.ids import FakeIdSource
from tests.fakes.mailbox import FakeMailbox
from tests.fakes.notes import FakeNotes
from tests.fakes.opening_store import FakeOpeningStore
from tests.fakes.profile_store import FakeProfileStore
from tests.fakes.session_store import FakeSessionStore
from tests.fakes.tables import FakeTables
from tests.fakes.tool_call_store import FakeToolCallStore
from tests.fakes.tool_records import FakeToolRecords
from tests.fakes.usage_store import FakeUsageStore
from tests.fakes.user_records import FakeUserRecords

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# A Friday after the time of the tests' clock; the desk is open from 9 to 17 UTC.
DESK_DAY = date(2026, 11, 27)


class Order(BaseModel):
    """A record of a tool."""

    state: str
    arrives: date | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """Every port that stores data in tables.

    Attributes:
        erase: Replaces a user's profile by the tombstone, with a Unix time in ms.
    """

    clock: FakeClock
    sessions: SessionStore
    mailbox: Mailbox
    openings: OpeningStore
    connections: ConnectionStore
    reader: ConversationReader
    writer: ConversationWriter
    summaries: SummaryWriter
    calls: ToolCallStore
    profiles: ProfileStore
    notes: Notes
    erase: Callable[[str, int], object]
    usage: UsageStore
    erasures: ErasureStore
    desk: Desk
    records: UserRecords
    orders: ToolRecords[Order]


@dataclass(frozen=True, slots=True)
class TableNames:
    """A test's own tables."""

    live: str
    memory: str
    desk: str


def fake_stores(tables: FakeTables | None = None) -> Stores:
    """Return fakes that share their data."""
    tables = tables or FakeTables()
    conversations = FakeConversationStore(tables)
    desk = FakeDesk({DESK_DAY: OpeningHours(time(9), time(17))}, tables=tables)
    return Stores(
        tables.clock,
        FakeSessionStore(tables),
        FakeMailbox(tables),
        FakeOpeningStore(tables),
        FakeConnectionStore(tables),
        conversations,
        conversations,
        conversations,
        FakeToolCallStore(tables),
        FakeProfileStore(tables),
        FakeNotes(tables),
        lambda user_id, at_ms: tables.profiles.update(
            {user_id: Profile(user_id, erased_at_ms=at_ms)}
        ),
        FakeUsageStore(tables),
        FakeErasureStore(tables),
        desk,
        FakeUserRecords(tables, desk),
        FakeToolRecords(tables, "orders", Order),
    )


@contextmanager
def tables(client: "DynamoDBClient") -> Iterator[TableNames]:
    """Create tables for one test, and delete them afterwards."""
    suffix = secrets.token_hex(8)
    names = TableNames(f"live-{suffix}", f"memory-{suffix}", f"desk-{suffix}")
    for name in (names.live, names.memory, names.desk):
        client.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    try:
        yield names
    finally:
        for name in (names.live, names.memory, names.desk):
            client.delete_table(TableName=name)


def all_items(client: "DynamoDBClient", *tables: str) -> list[dict[str, Any]]:
    """Return every item of the tables, typed as in DynamoDB's requests."""
    scan = client.get_paginator("scan")
    pages = (
        page for table in tables for page in scan.paginate(TableName=table, ConsistentRead=True)
    )
    return [dict(item) for page in pages for item in page["Items"]]


def dynamodb_stores(
    client: "DynamoDBClient",
    names: TableNames,
    *,
    retention: Retention = KEEP_FOREVER,
    clock: FakeClock | None = None,
) -> Stores:
    """Return the real adapters on the tables of ``names``; expired items are not deleted."""
    clock = clock or FakeClock()
    live, memory, desk = (
        DynamoTable(client, name) for name in (names.live, names.memory, names.desk)
    )
    return Stores(
        clock,
        DynamoSessionStore(session_table=live),
        DynamoMailbox(session_table=live, clock=clock, ids=FakeIdSource()),
        DynamoOpeningStore(session_table=live, memory=memory, retention=retention),
        DynamoConnectionStore(session_table=live),
        DynamoConversationReader(memory=memory, clock=clock),
        DynamoConversationWriter(session_table=live, memory=memory, retention=retention),
        DynamoSummaryWriter(memory=memory, clock=clock, retention=retention),
        DynamoToolCallStore(session_table=live, memory=memory, clock=clock, retention=retention),
        DynamoProfileStore(memory=memory),
        DynamoNotes(memory=memory, ids=FakeIdSource()),
        lambda user_id, at_ms: memory.put(
            {**keys.profile(user_id), **encode_all({"erased_at_ms": at_ms})}
        ),
        DynamoUsageStore(session_table=live, memory=memory, clock=clock, retention=retention),
        DynamoErasureStore(session_table=live, memory=memory, desk=desk),
        DeskTable(desk=desk, default_rules=default_rules(ZoneInfo("Europe/London")), memory=memory),
        DynamoUserRecords(memory=memory, desk=desk, clock=clock),
        DynamoToolRecords(memory, "orders", Order),
    )
