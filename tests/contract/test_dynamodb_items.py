"""The items that the adapters write to the tables."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from bench.units.consumed_units import item_bytes
from local.stack import PROJECT
from repartee.adapters.dynamodb import keys
from repartee.domain.cost.limits import OwnLimits
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.errors import ConnectionRefused, LeaseLost, UserErased
from repartee.domain.protocol.messages import (
    Acknowledged,
    Audio,
    Detached,
    Notified,
    Numbered,
    OutputPosition,
)
from repartee.domain.tools.core_calls import CoreRequest, ToolCallKey
from repartee.domain.users.preferences import PreferenceChanges, Profile
from repartee.ports.answers import ToolCallClaim
from repartee.ports.sessions import Appended
from repartee_client.recordings import read_wav
from tests.contract.scenes import (
    CONVERSATION,
    SESSION,
    USER,
    commit,
    opening,
    served_session,
    turn,
)
from tests.contract.servers import Servers
from tests.contract.stores import Stores, TableNames, all_items, dynamodb_stores
from tests.fakes.clock import NOON_MS

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

NOON_S = NOON_MS // 1000
RECORDING = PROJECT / "local" / "recordings" / "default" / "2-booking.wav"
HOUR_S = 3_600


@pytest.fixture
def client(dynamodb_name: str, servers: Servers) -> "DynamoDBClient":
    return servers.dynamodb(dynamodb_name)


@pytest.fixture
def stores(client: "DynamoDBClient", table_names: TableNames) -> Stores:
    return dynamodb_stores(client, table_names)


def item(client: "DynamoDBClient", table: str, pk: str, sk: str) -> dict[str, Any]:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    return dict(client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"])


def sort_keys(client: "DynamoDBClient", table: str) -> set[tuple[str, str]]:
    return {(one["pk"]["S"], one["sk"]["S"]) for one in all_items(client, table)}


def test_stored_speech_takes_fewer_bytes(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    spoken = read_wav(RECORDING).chunks(200)[:-1]
    for seq, chunk in enumerate(spoken, 1):
        stores.mailbox.append(SESSION, Numbered(seq, Audio(chunk), "connection-1", NOON_MS))

    keys = [f"in#{seq:012d}" for seq in range(1, len(spoken) + 1)]
    sizes = [item_bytes(item(client, table_names.live, "session#session-1", sort)) for sort in keys]
    # Of 6,400 bytes. A write unit is 1 KB: most take 5 instead of 7, and as many for the delete.
    assert sum(sizes) / len(sizes) < 5_000


def test_every_item_has_its_documented_key(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    stores.sessions.elect_waker(SESSION, NOON_MS)
    stores.mailbox.append(SESSION, Numbered(1, Audio(b"\0\0"), "c", NOON_MS))
    stores.mailbox.notify(SESSION, Detached("c"), now_ms=NOON_MS)
    stores.mailbox.notify(SESSION, Acknowledged(OutputPosition(1, 1), 0, 0), now_ms=NOON_MS)
    stores.writer.commit_turn(commit(turn(1)))

    live = {(pk, sk) for pk, sk in sort_keys(client, table_names.live) if "~0" not in sk}
    assert live == {
        ("session#session-1", "state"),
        ("session#session-1", "wake"),
        ("session#session-1", "in#000000000001"),
        ("session#session-1", "in#~ack"),
        ("conn#connection-of-session-1", "meta"),
        ("ticket#ticket-of-connection-of-session-1", "spent"),
        ("user#user-ann", "opening#connection-of-session-1"),
        ("user#user-ann", "session#session-1"),
        ("user#user-ann", "sessions"),
    }
    assert sort_keys(client, table_names.memory) == {
        ("user#user-ann", "conv#conversation-1"),
        ("conv#conversation-1", "turn#00000001"),
        ("user#user-ann", "usage#2026-11-20"),
    }


def test_every_live_item_expires(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    stores.sessions.elect_waker(SESSION, NOON_MS)
    stores.mailbox.append(SESSION, Numbered(1, Audio(b"\0\0"), "c", NOON_MS))
    stores.mailbox.notify(SESSION, Detached("c"), now_ms=NOON_MS)

    scanned = all_items(client, table_names.live)
    lifetimes_s = {
        (one["pk"]["S"].partition("#")[0], one["sk"]["S"].partition("#")[0]): int(
            one["expires_at"]["N"]
        )
        - NOON_S
        for one in scanned
    }
    assert lifetimes_s == {
        ("session", "state"): 24 * HOUR_S,
        ("session", "wake"): HOUR_S,
        ("session", "in"): HOUR_S,
        ("conn", "meta"): 2 * HOUR_S + 900,
        ("ticket", "spent"): 60 + HOUR_S,
        ("user", "opening"): 7 * 24 * HOUR_S,
        ("user", "session"): 2 * HOUR_S + 900,
        ("user", "sessions"): 24 * HOUR_S,
    }


def test_the_state_of_a_served_session_does_not_expire(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    later_ms = NOON_MS + 20 * HOUR_S * 1000

    stores.sessions.renew_lease(SESSION, epoch=1, until_ms=later_ms, cursor=0)

    state = item(client, table_names.live, "session#session-1", "state")
    assert int(state["expires_at"]["N"]) == later_ms // 1000 + 24 * HOUR_S


def test_usage_of_a_day_adds_up_to_the_last_digit(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    spent = TokenUsage(10, 200, 30, 4_000)
    for number in (1, 2):
        paid = replace(turn(number), usage=spent, cost_usd=Decimal("0.1000000000000000000001"))
        stores.writer.commit_turn(commit(paid))
        stores.writer.commit_turn(commit(paid))

    counters = item(client, table_names.memory, "user#user-ann", "usage#2026-11-20")
    numbers = {
        name: Decimal(value["N"]) for name, value in counters.items() if name not in ("pk", "sk")
    }
    assert numbers == {
        "turns": 2,
        "talk_ms": 4_000,
        "tokens_text_in": 20,
        "tokens_audio_in": 400,
        "tokens_text_out": 60,
        "tokens_audio_out": 8_000,
        "cost_usd": Decimal("0.2000000000000000000002"),
    }


def test_a_commit_that_fails_at_its_last_condition_writes_nothing(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    before = all_items(client, table_names.memory)

    with pytest.raises(LeaseLost):
        stores.writer.commit_turn(commit(turn(1), epoch=7))

    assert all_items(client, table_names.memory) == before


def test_a_refused_opening_writes_nothing(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    stores.openings.open(opening(max_sessions=1))
    before = sort_keys(client, table_names.live), sort_keys(client, table_names.memory)

    with pytest.raises(ConnectionRefused):
        stores.openings.open(
            opening(connection="c-2", session="s-2", conversation="v-2", max_sessions=1)
        )

    after = sort_keys(client, table_names.live), sort_keys(client, table_names.memory)
    assert after == before


def test_a_tombstone_stops_writes_after_its_conversations_are_deleted(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    client.put_item(
        TableName=table_names.memory,
        Item={
            "pk": {"S": "user#user-ann"},
            "sk": {"S": "profile"},
            "erased_at_ms": {"N": str(NOON_MS)},
        },
    )
    client.delete_item(
        TableName=table_names.memory,
        Key={"pk": {"S": "user#user-ann"}, "sk": {"S": "conv#conversation-1"}},
    )

    with pytest.raises(UserErased):
        stores.writer.commit_turn(commit(turn(1)))
    with pytest.raises(ConnectionRefused, match="user_erased"):
        stores.openings.open(opening(connection="c-2"))

    assert sort_keys(client, table_names.memory) == {("user#user-ann", "profile")}


def test_a_session_whose_state_has_expired_is_over(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    stores.openings.open(opening())
    client.delete_item(
        TableName=table_names.live,
        Key={"pk": {"S": "session#session-1"}, "sk": {"S": "state"}},
    )

    with pytest.raises(ConnectionRefused, match="session_ended"):
        stores.openings.open(opening(connection="c-2"))


def test_a_thousand_messages_of_more_than_a_page_are_read_in_order(stores: Stores) -> None:
    chunk = bytes(3_200)
    messages = [
        Numbered(seq, Audio(seq.to_bytes(2) + chunk), "connection-1", NOON_MS)
        for seq in range(1, 1_001)
    ]
    with ThreadPoolExecutor(4) as senders:
        appended = senders.map(lambda message: stores.mailbox.append(SESSION, message), messages)
        assert set(appended) == {Appended.KEPT}
    stores.mailbox.notify(SESSION, Detached("connection-1"), now_ms=NOON_MS)

    entries: list[Numbered | Notified] = []
    while (read := stores.mailbox.read_after(SESSION, len(entries)))[:-1]:
        entries += read[:-1]

    assert entries == messages, "3.2 MB, four pages"
    assert [type(entry) for entry in read] == [Notified]

    stores.mailbox.delete(SESSION, range(1, 1_001), [])
    assert len(stores.mailbox.read_after(SESSION, 0)) == 1


def test_long_turns_beyond_a_page_are_listed(stores: Stores) -> None:
    served_session(stores)
    long = "word " * 60_000
    for number in range(1, 6):
        stores.writer.commit_turn(commit(turn(number, heard=long)))

    listed = stores.reader.list_turns(USER, CONVERSATION, after=0, limit=5)
    assert listed is not None
    assert [one.number for one in listed] == [1, 2, 3, 4, 5]
    memory = stores.reader.load_memory(USER, CONVERSATION, max_characters=4 * len(long))
    assert [one.number for one in memory.turns] == [2, 3, 4, 5]


def test_limits_of_an_operator_are_read_and_survive_changed_preferences(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    # The command of docs/operations.md, here for a user without a profile.
    client.update_item(
        TableName=table_names.memory,
        Key={"pk": {"S": "user#user-ann"}, "sk": {"S": "profile"}},
        UpdateExpression="SET max_talk_s_per_day = :talk, max_usd_per_day = :usd",
        ExpressionAttributeValues={":talk": {"N": "600"}, ":usd": {"N": "0.5"}},
    )
    own = OwnLimits(600, Decimal("0.5"))
    assert stores.profiles.load(USER) == Profile(USER, limits=own)

    profile = stores.profiles.change(USER, PreferenceChanges(language="de-DE"))

    assert profile == Profile(USER, "de-DE", limits=own)


def test_a_claim_without_a_run_id_can_be_replaced(
    stores: Stores, client: "DynamoDBClient", table_names: TableNames
) -> None:
    served_session(stores)
    asked = CoreRequest(
        USER, CONVERSATION, SESSION, 1, ToolCallKey(1, 1), "h", "q", "en-US", NOON_MS
    )
    stores.calls.claim(asked, now_ms=NOON_MS, until_ms=NOON_MS + 1)
    client.update_item(
        TableName=table_names.memory,
        Key=keys.call(CONVERSATION, asked.key),
        UpdateExpression="REMOVE run_id",
    )

    again = replace(asked, run_id="run-2")
    until_ms = NOON_MS + 9_000
    claims = [stores.calls.claim(again, now_ms=NOON_MS + 1, until_ms=until_ms) for _ in range(2)]

    assert claims == [ToolCallClaim.CLAIMED_AGAIN, ToolCallClaim.RUNNING]
