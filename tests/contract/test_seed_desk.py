from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from local.seed_desk import seed_desk
from repartee.adapters.desk_table import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.desk import DeskHours, OpeningHours
from tests.contract.servers import Servers
from tests.contract.stores import TableNames

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tables")]

ZONE = ZoneInfo("Europe/London")
SUNDAY = date(2026, 11, 22)
# What would hold without seeding: never open.
NEVER = DeskHours((None,) * 7, slot_minutes=60, zone=ZONE)


@pytest.fixture
def desk(dynamodb_name: str, table_names: TableNames, servers: Servers) -> DeskTable:
    table = DynamoTable(servers.dynamodb(dynamodb_name), table_names.memory)
    return DeskTable(desk=table, default_hours=NEVER)


@pytest.fixture
def seed(dynamodb_name: str, table_names: TableNames, servers: Servers):
    table = DynamoTable(servers.dynamodb(dynamodb_name), table_names.memory)
    return lambda: seed_desk(table, SUNDAY)


def test_a_seeded_desk_is_open_on_weekdays(desk: DeskTable, seed) -> None:
    seed()

    assert desk.opening_hours(SUNDAY) is None
    assert desk.opening_hours(SUNDAY + timedelta(days=1)) == OpeningHours(time(9), time(17))


def test_on_every_day_some_slots_are_taken_at_most_and_every_full_hour_is_free(
    desk: DeskTable, seed
) -> None:
    held = seed()

    taken = 0
    for ahead in range(14):
        day = SUNDAY + timedelta(days=ahead)
        free = desk.free_slots(day)
        if day.weekday() < 5:
            assert {slot.start.hour for slot in free if not slot.start.minute} == set(range(9, 17))
            taken += 16 - len(free)
    assert taken == held
    assert 10 < held < 80


def test_seeding_again_changes_nothing(desk: DeskTable, seed) -> None:
    first = seed()
    monday = SUNDAY + timedelta(days=1)
    slot = desk.free_slots(monday)[0]
    now_ms = int(datetime(2026, 11, 22, 12, tzinfo=ZONE).timestamp() * 1000)
    desk.book("ann", slot, reason="", booked_at_ms=now_ms)

    assert seed() == first
    assert [booking.slot for booking in desk.bookings("ann")] == [slot]
