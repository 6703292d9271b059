"""This version reads events and items of released versions, and the previous version reads ours.

``tests/golden`` explains how its folders are made.
"""

import tomllib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, get_args

import pytest

from local.hosting.programs import NotInstalledError
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.conversation.conversation import Conversation, Turn
from repartee.domain.conversation.summary import SummaryFold
from repartee.domain.cost.limits import DayUsage
from repartee.domain.front_desk.bookings import Booking
from repartee.domain.protocol.messages import MailboxEntry, Message, Notice
from repartee.domain.protocol.ticket import Ticket
from repartee.domain.session.replay.codec import classes_of
from repartee.domain.session.state import ConnectionOpening, Lease, TurnCommit
from repartee.domain.tools.core_calls import BegunTool, CoreRequest, Exchange, ToolCallKey
from repartee.domain.users.erasure import Erasure
from repartee.domain.users.export import Entry, ExportPosition
from repartee.domain.users.preferences import PreferenceChanges
from repartee.ports.answers import ToolCallClaim
from repartee.ports.workers import WakeRequest
from tests.contract.scenes import opening
from tests.contract.servers import DYNAMODB_LOCAL, MINISTACK, Servers, require
from tests.contract.stores import DESK_DAY, Stores, TableNames, dynamodb_stores
from tests.fakes.clock import NOON_MS
from tests.golden import events, readings, story
from tests.golden.make import EVENTS, FOLDER, ITEMS, VALUES, items_in, load, put_items

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


PRESENT = tomllib.loads((FOLDER.parents[1] / "pyproject.toml").read_text())["project"]["version"]
VERSIONS = sorted((path.parent.name for path in FOLDER.glob(f"*/{EVENTS}")), key=_order)
BEFORE = [version for version in VERSIONS if _order(version) < _order(PRESENT)][-1]
# Versions that refuse events with unknown fields.
STRICT_VERSIONS = {"0.1.0"}
# Values that differ each time, or that may change without breaking a reader.
FREE = {"expires_at", "waker", "mark"}
# A map whose keys are data: the counts of an erasure by kind of item.
DATA = {"deleted"}
# The previous version never wrote this kind. It reads the tombstone of a conversation as the header
# of an empty one; its connect, which would continue it, is replaced before http_api is.
NEW = {
    "memory user#ann conv#forgotten",
    # The previous version deletes notices of an unknown kind.
    "live session#served in#~01M7WD7TG00000000000000005",
    "live session#served in#~01M7WD7TG00000000000000006",
    # A worker of the previous version reads it as a message of an unknown kind.
    "live session#served in#000000000028",
    # The previous version treats a moved booking like any other.
    "desk day#2026-11-27 slot#11:30",
    "desk user#limited booking#2026-11-27T11:30",
}
NEW_EVENTS = {
    # A worker of the previous version ignores unknown fields of a wake.
    "wake traced",
    # core_agent of the previous version does not read it.
    "context of a question",
    # It answers a question with a trace context, which no worker of the previous version asks.
    "answer traced",
}
UNKNOWN_EVENT_FIELD = {"of_later": {"nested": [1, {"deeper": True}]}}
UNKNOWN_ATTRIBUTE = {"of_later": {"M": {"nested": {"L": [{"N": "1"}]}}}}


@pytest.fixture
def dynamodb_name(servers: Servers) -> str:
    """Return one of the servers, because the suites of the stores run on both."""
    try:
        servers.endpoint(DYNAMODB_LOCAL)
    except NotInstalledError:
        require(servers, MINISTACK)
        return MINISTACK
    return DYNAMODB_LOCAL


@pytest.fixture
def client(dynamodb_name: str, servers: Servers) -> "DynamoDBClient":
    return servers.dynamodb(dynamodb_name)


def differences(golden: Any, present: Any, place: str = "", *, may_add: bool) -> Iterator[str]:
    """Yield the places at which ``present`` differs from what a reader of ``golden`` knows."""
    if isinstance(golden, Mapping) and isinstance(present, Mapping):
        for name in golden.keys() - present.keys():
            yield f"{place}: {name} is missing"
        for name in () if may_add else present.keys() - golden.keys():
            yield f"{place}: {name} was added"
        for name in (golden.keys() & present.keys()) - FREE:
            inner = f"{place}: {name}"
            yield from differences(golden[name], present[name], inner, may_add=may_add)
    elif isinstance(golden, list) and isinstance(present, list) and len(golden) == len(present):
        for number, (one, other) in enumerate(zip(golden, present, strict=True)):
            yield from differences(one, other, f"{place}: {number}", may_add=may_add)
    elif golden != present:
        yield f"{place}: {golden!r} became {present!r}"


@pytest.mark.parametrize("unknown", [{}, UNKNOWN_EVENT_FIELD], ids=["as written", "with more"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_event_of_a_released_version_is_read(version: str, unknown: Mapping[str, Any]):
    golden = {
        name: event if isinstance(event, str) else {**event, **unknown}
        for name, event in load(version, EVENTS).items()
    }

    read = events.read_all(golden)

    wanted = {name: value for name, value in load(version, VALUES).items() if name in golden}
    assert list(differences(wanted, read, may_add=True)) == []


@pytest.mark.parametrize("has_more", [False, True], ids=["as written", "with more"])
@pytest.mark.parametrize("version", VERSIONS)
def test_every_item_of_a_released_version_is_read(
    version: str, has_more: bool, client: "DynamoDBClient", table_names: TableNames
):
    items = load(version, ITEMS)
    put_items(client, table_names, with_more(items) if has_more else items)

    read = readings.read_all(dynamodb_stores(client, table_names))

    wanted = {name: value for name, value in load(version, VALUES).items() if name in read}
    assert wanted.keys() == read.keys()
    assert list(differences(wanted, read, may_add=True)) == []


def with_more(items: Mapping[str, Any]) -> dict[str, Any]:
    """Add an unknown attribute to each item and to each map in it."""
    return {place: {**_with_more(item), **UNKNOWN_ATTRIBUTE} for place, item in items.items()}


def _with_more(value: Any) -> Any:
    match value:
        case {"M": Mapping() as parts}:
            return {"M": {**_with_more(parts), **UNKNOWN_ATTRIBUTE}}
        case Mapping():
            return {
                name: part if name in DATA else _with_more(part) for name, part in value.items()
            }
        case list():
            return [_with_more(part) for part in value]
    return value


@pytest.mark.parametrize("version", VERSIONS)
def test_work_of_a_released_version_is_continued(
    version: str, client: "DynamoDBClient", table_names: TableNames
):
    put_items(client, table_names, load(version, ITEMS))
    stores = dynamodb_stores(client, table_names)

    # Another device took the conversation over; its worker learns of the first one and commits.
    lease = stores.sessions.acquire_lease("new", owner="w", now_ms=NOON_MS, until_ms=NOON_MS + 9)
    assert lease is not None
    assert _header(stores).superseded_session_ids == ("served",)
    turn = Turn(3, "new", NOON_MS, NOON_MS + 1_000, "And tomorrow?")
    stores.writer.commit_turn(TurnCommit("ann", "talk", "new", 1, turn, 1, NOON_MS + 1_000))
    assert _header(stores).turn_count == 3
    assert stores.summaries.fold_summary(SummaryFold("ann", "talk", 1, 2, "All of it."))
    # A worker died: its successor takes over its lease and the owed answers.
    late_ms = NOON_MS + 60_000
    lease = stores.sessions.acquire_lease("served", owner="w", now_ms=late_ms, until_ms=late_ms + 9)
    assert lease is not None
    assert lease.is_takeover
    assert (len(lease.state.pending_calls), len(lease.state.undelivered)) == (1, 1)
    # A run of core_agent died: the next run knows the tools that it began.
    dead = CoreRequest(
        "ann", "talk", "served", 2, ToolCallKey(3, 1), "a" * 64, "What is free?", "en-GB", late_ms
    )
    claim = stores.calls.claim(dead, now_ms=late_ms, until_ms=late_ms + 9)
    assert claim is ToolCallClaim.CLAIMED_AGAIN
    begun = BegunTool("book_appointment", '{"date":"2026-11-27"}')
    assert [one.tools for one in stores.calls.attempts("talk", 3)] == [(begun,)]
    # The user, and the door.
    stores.openings.open(opening(connection="k2", user="ann", session="new", conversation="talk"))
    assert stores.connections.close("connection-of-new") == "new"
    assert stores.notes.add("ann", "has a cat", noted_at_ms=late_ms).noted_at_ms == NOON_MS + 1
    stores.profiles.change("ann", PreferenceChanges(style=""))
    (booking,) = stores.desk.bookings("ann")
    stores.desk.cancel("ann", booking.slot)
    morning = datetime.combine(DESK_DAY, time(0), UTC)
    assert booking.slot in stores.desk.free_slots(DESK_DAY, now=morning)
    erasure = stores.erasures.find("ben")
    assert erasure is not None
    assert stores.erasures.advance(erasure, finished_at_ms=late_ms).step == 2
    assert {item.kind for item in stores.erasures.items("ann")}.isdisjoint({"others"})


def test_no_features_are_expected_of_a_client_of_an_older_worker(
    client: "DynamoDBClient", table_names: TableNames
):
    put_items(client, table_names, load("0.1.0", ITEMS))
    sessions = dynamodb_stores(client, table_names).sessions
    sessions.set_connection(
        "served", epoch=1, connection_id="marking", marks_speech=True, features=("stop",)
    )

    # 0.1.0 sets a connection like this.
    DynamoTable(client, table_names.live).update(
        keys.state("served"),
        "SET connection_id = :connection",
        encode_all({":connection": "another", ":mine": 1}),
        condition="epoch = :mine",
    )

    state = sessions.load("served")
    assert state is not None
    assert (state.connection_id, state.marks_speech, state.features) == ("another", False, ())


def _header(stores: Stores) -> Conversation:
    header = stores.reader.load_header("ann", "talk")
    assert header is not None
    return header


def test_the_previous_version_accepts_every_written_event():
    present = {name: event for name, event in events.write_all().items() if name not in NEW_EVENTS}
    found = differences(load(BEFORE, EVENTS), present, may_add=BEFORE not in STRICT_VERSIONS)
    assert list(found) == [], f"{BEFORE} serves beside this version for up to 15 min"


@pytest.fixture
def written(client: "DynamoDBClient", table_names: TableNames) -> Stores:
    return story.write_story(client, table_names)


def test_the_previous_version_reads_every_written_item(
    written: Stores, client: "DynamoDBClient", table_names: TableNames
):
    items, before = items_in(client, table_names), load(BEFORE, ITEMS)

    # Its readers take attributes by name and ignore the others, in maps too.
    found = differences(inflated(before), inflated(items), may_add=True)
    assert list(found) == [], f"{BEFORE} reads these items"
    assert items.keys() - NEW == before.keys(), f"see whether {BEFORE} comes across the new items"


def inflated(value: Any) -> Any:
    """Return the items with decompressed audio, because compressors may differ."""
    match value:
        case {"packed": {"B": str(content)}}:
            parts, left = [], bytes.fromhex(content)
            while left:
                stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
                parts.append(stream.decompress(left).hex())
                left = stream.unused_data
            rest = {name: inflated(part) for name, part in value.items() if name != "packed"}
            return {**rest, "packed": parts}
        case Mapping():
            return {name: inflated(part) for name, part in value.items()}
    return value


def test_the_story_sets_every_field_that_is_stored_or_sent(written: Stores):
    names = classes_of(
        *(MailboxEntry, Lease, Exchange, Booking, DayUsage, Erasure, Entry, ConnectionOpening),
        *(CoreRequest, WakeRequest, Ticket, ExportPosition),
    )
    values: dict[tuple[str, str], list[Any]] = {}
    _collect([readings.read_all(written), events.read_all(events.write_all())], values)
    kinds = {*get_args(Message.__value__), *get_args(Notice.__value__)}
    unseen = {kind.__name__ for kind in kinds} - {name for name, _ in values}
    unset = [
        f"{name}.{field.name}"
        for name, one in names.items()
        if any(name == seen for seen, _ in values)
        for field in fields(one)
        if field.default is not MISSING or field.default_factory is not MISSING
        if all(found == _default(field) for found in values[name, field.name])
    ]
    assert (unseen, unset) == (set(), []), "add it to tests/golden/story.py or events.py"


def _collect(value: Any, values: dict[tuple[str, str], list[Any]]) -> None:
    match value:
        case {"class": str(name), **parts}:
            values.setdefault((name, ""), [])
            for field, part in parts.items():
                values.setdefault((name, str(field)), []).append(part)
                _collect(part, values)
        case Mapping():
            for part in value.values():
                _collect(part, values)
        case list():
            for part in value:
                _collect(part, values)


def _default(field: Any) -> Any:
    made = field.default if field.default is not MISSING else field.default_factory()
    return readings.plain(made)
