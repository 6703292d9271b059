"""Erasure on real tables: only the tombstone stays, wherever the process dies.

The tests erase a whole user, or one of the user's conversations and nothing else.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable
from datetime import date, time
from functools import partial
from itertools import batched, repeat
from typing import TYPE_CHECKING, Any

import pytest

from ops.users.erasures import unfinished_erasures
from ops.users.table_scan import TableScan
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.erasure_store import DynamoErasureStore
from repartee.application.users.erase_user import UserEraser
from repartee.domain.errors import ErasureUnderWay
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.tools.core_calls import ToolCallKey
from repartee.domain.users.erasure import Erasure, ItemKind
from repartee.domain.users.retention import HEADER_MARGIN_S
from tests.contract.servers import Servers
from tests.contract.stores import TableNames, all_items
from tests.fakes.client_channel import FakeClientChannel
from tests.fakes.clock import NOON_MS, FakeClock

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

    from repartee.adapters.dynamodb.keys import Item

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

DAY = date(2026, 11, 27)
# These items belong to no user: a spent ticket names none, and the desk's rules are the desk's.
OF_NO_USER = {"ticket", "desk_hours"}
# Items of the deployment, which hold nothing of any user.
OF_ALL = {"call_switch", "service_spending"}
TOMBSTONE = {"profile"}


def items_of(user: str, hour: int) -> "dict[str, tuple[str, Item]]":
    """Return one item per key that ``keys`` can make, by the function that makes it."""
    session, conversation, connection = (
        f"session-of-{user}",
        f"conversation-of-{user}",
        f"connection-of-{user}",
    )
    slot = Slot(DAY, time(hour))
    named: Item = {
        "session_id": {"S": session},
        "user_id": {"S": user},
        "conversation_id": {"S": conversation},
    }
    made: dict[str, tuple[str, Item]] = {
        "state": ("live", keys.state(session)),
        "wake": ("live", keys.wake(session)),
        "connection": ("live", keys.connection(connection)),
        "ticket": ("live", keys.ticket(f"ticket-of-{hour}")),
        "active_session": ("live", keys.active_session(user, session)),
        "opening": ("live", keys.opening(user, connection)),
        "active_guard": ("live", keys.active_guard(user)),
        "profile": ("memory", keys.profile(user)),
        "usage": ("memory", keys.usage(user, "2026-11-20")),
        "header": ("memory", keys.header(user, conversation)),
        "turn": ("memory", keys.turn(conversation, 1)),
        "summary": ("memory", keys.summary(conversation)),
        "note": ("memory", keys.note(user, "01ABC")),
        "tool_record": ("memory", keys.tool_record(user, "orders", "42")),
        "replaced_call": (
            "memory",
            keys.replaced_call(conversation, ToolCallKey(1, 1), "0123456789abcdef"),
        ),
        "call": ("memory", keys.call(conversation, ToolCallKey(1, 1))),
        "desk_hours": ("desk", keys.desk_hours()),
        "slot": ("desk", keys.slot(slot)),
        "booking": ("desk", keys.booking(user, slot)),
    }
    return {
        name: (table, key if name in OF_NO_USER else {**key, **named, "epoch": {"N": "1"}})
        for name, (table, key) in made.items()
    }


def more_items_of(user: str) -> "list[tuple[str, Item]]":
    """Return more items of the kinds that can have many items."""
    partition = keys.session(f"session-of-{user}")
    sorts = [keys.message_sort(seq) for seq in range(1, 21)]
    sorts += [keys.ACK_SORT_KEY, f"{keys.NOTICE_PREFIX}01ABC"]
    found = [("live", keys.key(partition, sort)) for sort in sorts]
    turns = [keys.turn(f"conversation-of-{user}", number) for number in range(2, 16)]
    return found + [("memory", turn) for turn in turns]


# These items stay when one conversation is erased: its header becomes its tombstone.
KEPT = OF_NO_USER | {"profile", "usage", "note", "tool_record", "active_guard"}
KEPT |= {"slot", "booking", "header"}


def items_of_another_conversation(user: str) -> "list[tuple[str, Item]]":
    """Return the items of the user's session in another conversation."""
    session, conversation, connection = f"s2-of-{user}", f"c2-of-{user}", f"k2-of-{user}"
    named: Item = {"session_id": {"S": session}, "conversation_id": {"S": conversation}}
    live: list[Item] = [
        keys.state(session),
        keys.wake(session),
        keys.connection(connection),
        keys.key(keys.session(session), keys.message_sort(1)),
        keys.active_session(user, session),
        keys.opening(user, connection),
    ]
    memory: list[Item] = [
        keys.header(user, conversation),
        keys.turn(conversation, 1),
        keys.summary(conversation),
        keys.call(conversation, ToolCallKey(1, 1)),
    ]
    return [
        (table, {**key, **named, "epoch": {"N": "1"}})
        for table, found in (("live", live), ("memory", memory))
        for key in found
    ]


class Tables:
    """Three tables with two users in them."""

    def __init__(self, client: "DynamoDBClient", names: TableNames) -> None:
        self.client = client
        self.names = {"live": names.live, "memory": names.memory, "desk": names.desk}
        for user, hour in (("ann", 10), ("ben", 11)):
            self.put_all([*items_of(user, hour).values(), *more_items_of(user)])
        self.of_ann = self.everything("ann")
        self.of_ben = self.everything("ben")

    def everything(self, user: str) -> list[tuple[str, str, str]]:
        """Return every item that names the user or one of the user's ids."""
        return sorted(
            (table, item["pk"]["S"], item["sk"]["S"])
            for table, name in self.names.items()
            for item in all_items(self.client, name)
            if user in repr(item)
        )

    def eraser(self, client: Any = None, clock: FakeClock | None = None) -> UserEraser:
        clock = clock or FakeClock()
        live, memory, desk = (
            DynamoTable(client or self.client, self.names[name])
            for name in ("live", "memory", "desk")
        )
        store = DynamoErasureStore(session_table=live, memory=memory, desk=desk)
        return UserEraser(
            store, FakeClientChannel(), clock, lambda wait_s: clock.advance(round(wait_s * 1000))
        )

    def put_all(self, found: "list[tuple[str, Item]]") -> None:
        for some in batched(found, 25, strict=False):
            requests = defaultdict[str, list[Any]](list)
            for table, item in some:
                requests[self.names[table]].append({"PutRequest": {"Item": item}})
            self.client.batch_write_item(RequestItems=dict(requests))

    def put(self, table: str, item: "Item") -> None:
        self.client.put_item(TableName=self.names[table], Item=item)

    def erase(self, client: Any = None, conversation: str | None = None) -> Erasure:
        return self.eraser(client).erase(
            "ann", remaining_ms=lambda: 29_000, conversation_id=conversation
        )

    def call_again(self) -> list[tuple[str, str, str]]:
        """Give the user a second conversation; return the items that the erasure must keep."""
        self.put_all(items_of_another_conversation("ann"))
        first = items_of("ann", 10)
        gone = [*more_items_of("ann"), *(first[name] for name in first.keys() - KEPT)]
        places = {(table, item["pk"]["S"], item["sk"]["S"]) for table, item in gone}
        return [place for place in self.everything("ann") if place not in places]


@pytest.fixture
def tables(dynamodb_name: str, servers: Servers, table_names: TableNames) -> Tables:
    return Tables(servers.dynamodb(dynamodb_name), table_names)


TOMBSTONE_ALONE = [("memory", "user#ann", "profile")]


def test_every_key_has_a_kind_that_is_erased() -> None:
    """A new function of ``keys`` fails here until ``items_of`` and ``kind_of`` know it."""
    makers = {
        name
        for name, function in inspect.getmembers(keys, inspect.isfunction)
        if function.__module__ == keys.__name__
        and function.__annotations__.get("return") == "Item"
        and name != "key"
    }
    made = items_of("ann", 10)
    assert set(made) | OF_ALL == makers
    kinds = {
        name: keys.kind_of(item["pk"]["S"], item["sk"]["S"])
        for name, (_, item) in made.items()
        if name not in OF_NO_USER | TOMBSTONE
    }
    assert ItemKind.OTHERS not in kinds.values()
    assert set(kinds.values()) == set(ItemKind) - {ItemKind.OTHERS, ItemKind.MAILBOX_ENTRIES}


def test_nothing_but_the_tombstone_stays_and_the_other_user_keeps_everything(
    tables: Tables,
) -> None:
    erasure = tables.erase()

    assert tables.everything("ann") == TOMBSTONE_ALONE
    assert tables.everything("ben") == tables.of_ben
    assert erasure.finished_at_ms is not None
    assert sum(erasure.deleted.values()) == len(tables.of_ann) - 1
    assert erasure.deleted[ItemKind.TURNS] == 15
    assert erasure.deleted[ItemKind.MAILBOX_ENTRIES] == 22
    assert ItemKind.OTHERS not in erasure.deleted


def test_the_tombstone_holds_only_times_and_counts(tables: Tables) -> None:
    tables.erase()

    item = tables.client.get_item(TableName=tables.names["memory"], Key=keys.profile("ann"))["Item"]

    assert set(item) == {"pk", "sk", "erased_at_ms", "finished_at_ms", "deleted", "step", "mark"}


def test_an_item_of_an_unknown_kind_is_deleted_as_well(tables: Tables) -> None:
    unknown = keys.key(keys.user("ann"), "surprise#1")
    tables.client.put_item(TableName=tables.names["memory"], Item=unknown)

    erasure = tables.erase()

    assert erasure.deleted[ItemKind.OTHERS] == 1
    assert tables.everything("ann") == TOMBSTONE_ALONE


def test_a_slot_that_another_user_has_booked_meanwhile_is_kept(tables: Tables) -> None:
    slot = keys.slot(Slot(DAY, time(10)))
    tables.client.put_item(TableName=tables.names["desk"], Item={**slot, "user_id": {"S": "carl"}})

    tables.erase()

    assert tables.everything("ann") == TOMBSTONE_ALONE
    assert tables.everything("carl") == [("desk", slot["pk"]["S"], slot["sk"]["S"])]


WRITES = {"put_item", "update_item", "delete_item", "batch_write_item", "transact_write_items"}


class Killed(Exception):
    """The process was killed."""


class KillingClient:
    """A client that kills its process right after its n-th write."""

    def __init__(self, client: "DynamoDBClient", dies_at: int) -> None:
        self._client = client
        self._dies_at = dies_at
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        call: Callable[..., Any] = getattr(self._client, name)
        return self._mortal(call) if name in WRITES else call

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def write(**arguments: Any) -> Any:
            self.writes += 1
            answer = call(**arguments)
            if self.writes == self._dies_at:
                raise Killed
            return answer

        return write


CONVERSATION = "conversation-of-ann"


@pytest.mark.parametrize("conversation", [None, CONVERSATION], ids=["user", "conversation"])
def test_a_repetition_after_a_kill_has_the_same_result_and_counts(
    dynamodb_name: str, servers: Servers, table_names: TableNames, conversation: str | None
) -> None:
    """Kills after each write cover every point: before the first there is nothing to repeat."""
    client = servers.dynamodb(dynamodb_name)
    whole = KillingClient(client, 0)
    expected = Tables(client, table_names).erase(whole, conversation)
    assert whole.writes >= 8

    for dies_at in range(1, whole.writes + 1):
        tables = Tables(client, table_names)
        left = TOMBSTONE_ALONE if conversation is None else tables.call_again()
        with pytest.raises(Killed):
            tables.erase(KillingClient(client, dies_at), conversation)
        again = tables.erase(conversation=conversation)

        assert tables.everything("ann") == left, f"killed at write {dies_at}"
        assert again.deleted == expected.deleted, f"killed at write {dies_at}"
        assert tables.erase(conversation=conversation) == again
        assert tables.everything("ben") == tables.of_ben


def test_only_a_tombstone_stays_of_an_erased_conversation(tables: Tables) -> None:
    kept = tables.call_again()

    erasure = tables.erase(conversation=CONVERSATION)

    assert tables.everything("ann") == kept
    assert tables.everything("ben") == tables.of_ben
    assert erasure.deleted == {
        ItemKind.TURNS: 15,
        ItemKind.CALLS: 2,
        ItemKind.SUMMARIES: 1,
        ItemKind.MAILBOX_ENTRIES: 22,
        ItemKind.SESSIONS: 1,
        ItemKind.WAKES: 1,
        ItemKind.CONNECTIONS: 1,
        ItemKind.OPENINGS: 1,
        ItemKind.ACTIVE_SESSIONS: 1,
    }
    header = keys.header("ann", CONVERSATION)
    item = tables.client.get_item(TableName=tables.names["memory"], Key=header)["Item"]
    assert {name: value for name, value in item.items() if name not in ("mark", "deleted")} == {
        **header,
        "erased_at_ms": {"N": f"{NOON_MS}"},
        "finished_at_ms": {"N": f"{NOON_MS + 11_000}"},
        "expires_at": {"N": f"{(NOON_MS + 11_000) // 1_000 + HEADER_MARGIN_S}"},
        "step": {"N": "5"},
        # 0.1.0 reads these attributes in each header.
        "created_at_ms": {"N": f"{NOON_MS}"},
        "updated_at_ms": {"N": f"{NOON_MS}"},
        "turn_count": {"N": "0"},
        "version": {"N": "5"},
    }


def test_openings_of_0_1_0_name_no_conversation_but_their_sessions_do(tables: Tables) -> None:
    kept = tables.call_again()
    for user, connection, session in (
        ("ann", "connection-of-ann", "session-of-ann"),
        ("ann", "k2-of-ann", "s2-of-ann"),
    ):
        tables.put("live", {**keys.opening(user, connection), "session_id": {"S": session}})
    # The items of a session with an expired state may be deleted with any conversation.
    expired: list[Item] = [
        {**keys.opening("ann", "k0-of-ann"), "session_id": {"S": "s0-of-ann"}},
        keys.key(keys.session("s0-of-ann"), keys.message_sort(1)),
    ]
    for item in expired:
        tables.put("live", item)

    tables.erase(conversation=CONVERSATION)

    assert tables.everything("ann") == kept


def test_two_concurrent_erasures_count_each_item_once(tables: Tables) -> None:
    """The second erasure starts during the first and completes; then the first gives up."""
    eraser = tables.eraser()
    second: list[Erasure] = []

    def remaining_ms() -> int:
        if not second:
            second.append(tables.erase())
        return 29_000

    with pytest.raises(ErasureUnderWay):
        eraser.erase("ann", remaining_ms=remaining_ms)

    assert tables.everything("ann") == TOMBSTONE_ALONE
    assert sum(second[0].deleted.values()) == len(tables.of_ann) - 1


def test_operators_find_unfinished_erasures(tables: Tables) -> None:
    """With `make erasures`."""

    def unfinished() -> list[str]:
        scan = TableScan(tables.client, tables.names["memory"])
        return [keys.user(one.user_id) for one in unfinished_erasures(scan)]

    tables.eraser().erase("ben", remaining_ms=lambda: 29_000)
    assert unfinished() == []
    tables.eraser().erase("ann", remaining_ms=lambda: 0)
    assert unfinished() == [keys.user("ann")]

    tables.erase()
    assert unfinished() == []

    # Of one conversation, too.
    for item in (keys.header("carl", "talk"), keys.turn("talk", 1)):
        tables.put("memory", item)
    for left_ms, found_then in ((0, [keys.user("carl")]), (29_000, [])):
        left = repeat(left_ms)
        eraser = tables.eraser()
        eraser.erase("carl", remaining_ms=partial(next, left), conversation_id="talk")
        assert unfinished() == found_then


class SlowClient:
    """A client with slow calls, in a function that is killed after 29 s."""

    def __init__(self, client: "DynamoDBClient", clock: FakeClock) -> None:
        self._client = client
        self._clock = clock
        self._ends_at_ms = clock.now_ms() + 29_000

    def remaining_ms(self) -> int:
        return self._ends_at_ms - self._clock.now_ms()

    def __getattr__(self, name: str) -> Any:
        call: Callable[..., Any] = getattr(self._client, name)

        def take_long(**arguments: Any) -> Any:
            self._clock.advance(250)
            if self.remaining_ms() <= 0:
                raise Killed
            return call(**arguments)

        return take_long


@pytest.mark.parametrize("kept", [0, 120], ids=["sessions-gone", "sessions-kept"])
def test_a_user_with_many_connections_is_erased_within_the_time_of_each_request(
    tables: Tables, kept: int
) -> None:
    """The user had 2,000 connections in a week; each call of the tables takes 15 ms."""
    for number in range(120):
        session = f"ann-{number:03d}"
        tables.put("live", {**keys.opening("ann", session), "session_id": {"S": session}})
        if number < kept:
            tables.put("live", {**keys.state(session), "epoch": {"N": "1"}})
            tables.put("live", keys.key(keys.session(session), keys.message_sort(1)))
    clock, runs, finished = FakeClock(), 0, False
    while not finished:
        runs += 1
        assert runs < 20, "the erasure gets nowhere"
        client = SlowClient(tables.client, clock)
        eraser = tables.eraser(client, clock)
        erasure = eraser.erase("ann", remaining_ms=client.remaining_ms)
        finished = erasure.finished_at_ms is not None
        clock.advance(2_000)

    assert tables.everything("ann") == TOMBSTONE_ALONE
    assert erasure.deleted[ItemKind.OPENINGS] == 121
    assert erasure.deleted[ItemKind.SESSIONS] == kept + 1


def test_a_large_user_is_erased_in_as_many_runs_as_it_takes(tables: Tables) -> None:
    clock = FakeClock()
    counts: list[int] = []
    for _ in range(20):
        # The time allows this many reads of the clock, one per item.
        left = repeat(29_000, 20)
        erasure = tables.eraser(clock=clock).erase("ann", remaining_ms=partial(next, left, 0))
        counts.append(sum(erasure.deleted.values()))
        if erasure.finished_at_ms is not None:
            break
        clock.advance(12_000)

    assert erasure.finished_at_ms == clock.now_ms()
    assert erasure.erased_at_ms == NOON_MS
    assert len(counts) > 2
    assert counts == sorted(counts)
    assert counts[-1] == len(tables.of_ann) - 1
    assert tables.everything("ann") == TOMBSTONE_ALONE
