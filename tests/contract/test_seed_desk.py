from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from ops.seed_desk import seed_desk
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.front_desk.rules import DeskRules, OpeningHours
from tests.contract.servers import Servers
from tests.contract.stores import TableNames

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ZONE = ZoneInfo("Europe/London")
SUNDAY = date(2026, 11, 22)
OPEN = OpeningHours(time(9), time(17))
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
RULES = DeskRules(week=dict.fromkeys(WEEKDAYS, OPEN), closed=("2026-11-25",), time_zone=ZONE)
NOW = datetime(2026, 11, 22, 12, tzinfo=ZONE)


@pytest.fixture
def desk(dynamodb_name: str, table_names: TableNames, servers: Servers) -> DeskTable:
    table = DynamoTable(servers.dynamodb(dynamodb_name), table_names.memory)
    return DeskTable(desk=table, default_rules=RULES)


def test_every_day_has_some_taken_slots_and_free_full_hours(
    desk: DeskTable,
) -> None:
    held = seed_desk(desk, NOW)

    taken = 0
    for ahead in range(14):
        day = SUNDAY + timedelta(days=ahead)
        free = desk.free_slots(day, now=NOW)
        if desk.rules().on(day):
            assert {slot.start.hour for slot in free if not slot.start.minute} == set(range(9, 17))
            taken += 16 - len(free)
    assert taken == held
    assert 10 < held < 80


def test_seeding_again_changes_nothing(desk: DeskTable) -> None:
    first = seed_desk(desk, NOW)
    monday = SUNDAY + timedelta(days=1)
    slot = desk.free_slots(monday, now=NOW)[0]
    now_ms = int(datetime(2026, 11, 22, 12, tzinfo=ZONE).timestamp() * 1000)
    desk.book("ann", slot, reason="", booked_at_ms=now_ms)

    assert seed_desk(desk, NOW) == first
    assert [booking.slot for booking in desk.bookings("ann")] == [slot]
