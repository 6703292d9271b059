"""Items of the desk that an older version or a person wrote, and broken items."""

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core_agent.tools.catalogue import make_tools
from repartee.adapters.dynamodb import front_desk as desk_table
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.erasure_store import DynamoErasureStore
from repartee.adapters.dynamodb.values import encode, encode_all
from repartee.domain.front_desk.bookings import Slot, SlotTaken
from repartee.domain.front_desk.rules import OpeningHours, RulesRefused, default_rules
from repartee.domain.tools.tool import ToolStatus
from tests.contract.servers import Servers
from tests.contract.stores import TableNames
from tests.fakes.log import CapturedLog
from tests.fakes.tool_stores import fake_tool_stores, tool_context

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

LONDON = ZoneInfo("Europe/London")
DEFAULTS = default_rules(LONDON)
FRIDAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 8, 30, tzinfo=LONDON)
OFFICE = {"opens": "08:00", "closes": "12:00"}
# Version 0.1.0 wrote the rules like this.
BEFORE = {"week": {"friday": OFFICE}, "slot_minutes": 60, "time_zone": "Europe/London"}


@pytest.fixture
def table(dynamodb_name: str, table_names: TableNames, servers: Servers) -> DynamoTable:
    return DynamoTable(servers.dynamodb(dynamodb_name), table_names.desk)


@pytest.fixture
def memory(dynamodb_name: str, table_names: TableNames, servers: Servers) -> DynamoTable:
    return DynamoTable(servers.dynamodb(dynamodb_name), table_names.memory)


@pytest.fixture
def desk(table: DynamoTable, memory: DynamoTable) -> DeskTable:
    return DeskTable(desk=table, default_rules=DEFAULTS, memory=memory)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> CapturedLog:
    log = CapturedLog()
    monkeypatch.setattr(desk_table, "get_logger", lambda: log.logger)
    return log


def _put(table: DynamoTable, values: dict[str, Any]) -> None:
    table.put({**keys.desk_hours(), **encode_all(values)})


def test_hours_of_an_older_version_apply(
    desk: DeskTable, table: DynamoTable, log: CapturedLog
) -> None:
    _put(table, BEFORE | {"of_later": {"nested": [1]}})

    assert desk.rules().on(FRIDAY) == OpeningHours(time(8), time(12))
    assert [slot.start.hour for slot in desk.free_slots(FRIDAY, now=NOW)] == [9, 10, 11]
    assert log.lines == []


BROKEN: tuple[tuple[dict[str, Any], str], ...] = (
    (BEFORE | {"time_zone": "Europe/Berlin"}, "time_zone: it is Europe/Berlin"),
    (BEFORE | {"time_zone": "Mars/Phobos"}, "time_zone: invalid timezone"),
    (BEFORE | {"time_zone": 1}, "time_zone: "),
    ({"week": {"friday": OFFICE}, "slot_minutes": 60}, "time_zone: Field required"),
    ({}, "week: Field required"),
    (BEFORE | {"week": ["friday"]}, "week: "),
    (BEFORE | {"week": {"friday": {"opens": "8 a.m.", "closes": "12:00"}}}, "week.friday"),
    (BEFORE | {"week": {"friday": {"opens": None, "closes": "12:00"}}}, "week.friday"),
    (BEFORE | {"week": {"friday": "08:00-12:00"}}, "week.friday"),
    (BEFORE | {"slot_minutes": "an hour"}, "slot_minutes: "),
    (BEFORE | {"closed": "25.12."}, "closed: "),
    (BEFORE | {"closed": [b"12-25", {"day": 1}]}, "closed.1: "),
    (BEFORE | {"max_bookings": -1}, "max_bookings: "),
)


def test_invalid_rules_are_logged_and_the_defaults_apply(
    desk: DeskTable, table: DynamoTable, log: CapturedLog
) -> None:
    tools = make_tools(fake_tool_stores(desk=desk), tool_context("ann", NOW))
    for values, fault in BROKEN:
        _put(table, values)

        hours, free = (tool.call({"date": f"{FRIDAY}"}) for tool in tools[:2])

        assert (hours.status, free.status) == (ToolStatus.DONE, ToolStatus.DONE)
        assert hours.fields["opens"] == "09:00"
        assert log.lines[-1]["message"] == "desk rules ignored"
        assert fault in log.lines[-1]["faults"]


def test_a_slot_that_was_blocked_by_hand_is_taken(desk: DeskTable, table: DynamoTable) -> None:
    slot = Slot(FRIDAY, time(10))
    table.put(keys.slot(slot))
    own = desk.book("ann", Slot(FRIDAY, time(11)), reason="", booked_at_ms=_ms())

    assert slot not in desk.free_slots(FRIDAY, now=NOW)
    with pytest.raises(SlotTaken):
        desk.book("ann", slot, reason="", booked_at_ms=_ms())
    with pytest.raises(SlotTaken):
        desk.move("ann", own.slot, slot, moved_at_ms=_ms())
    assert list(desk.bookings("ann")) == [own]


def test_a_booking_that_was_written_by_hand_is_read_and_a_key_without_a_slot_is_not(
    desk: DeskTable, table: DynamoTable, memory: DynamoTable
) -> None:
    slot = Slot(FRIDAY, time(10))
    table.put({**keys.slot(slot), **encode_all({"user_id": "ann"})})
    table.put({**keys.booking("ann", slot), **encode_all({"user_id": "ann"})})
    table.put(keys.key(keys.user("ann"), "booking#next Friday"))

    (booking,) = desk.bookings("ann")

    assert (booking.slot, booking.reason) == (slot, "")
    assert desk.move("ann", slot, Slot(FRIDAY, time(11)), moved_at_ms=_ms()).reason == ""
    # An erasure finds all of them.
    erasures = DynamoErasureStore(session_table=memory, memory=memory, desk=table)
    assert {one.sort for one in erasures.items("ann") if one.table == "desk"} == {
        "booking#2026-11-27T11:00",
        "booking#next Friday",
        "slot#11:00",
    }


def _ms() -> int:
    return int(NOW.timestamp() * 1000)


def test_rules_of_another_time_zone_are_not_written(desk: DeskTable) -> None:
    with pytest.raises(RulesRefused):
        desk.write_rules(default_rules(ZoneInfo("Europe/Berlin")))

    assert desk.written_rules() is None


def test_rules_are_read_unchanged_and_an_older_version_reads_its_part(
    desk: DeskTable, table: DynamoTable
) -> None:
    night = {"friday": OpeningHours(time(22), time(2))}
    rules = DEFAULTS.model_copy(update={"week": night, "closed": ("12-25",), "max_bookings": 2})

    desk.write_rules(rules)

    assert desk.rules() == rules
    item = table.get(keys.desk_hours()) or {}
    assert item["week"] == encode({"friday": {"opens": "22:00", "closes": "02:00"}})
    assert (item["slot_minutes"], item["time_zone"]) == ({"N": "30"}, {"S": "Europe/London"})
