"""Fills the front desk's book as a business would find it: hours, and slots others have booked.

Only slots at half past the hour are taken, so that every full hour of the coming days can be
booked; which of them is the same on every machine for the same day.
"""

import argparse
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from repartee.adapters.desk_table import DeskTable
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.desk import Slot, SlotTaken, SlotUnknown, weekday_hours

_REASONS = ("check-up", "vaccination", "blood test", "follow-up")
_TAKEN_SHARE = 0.4


def seed_desk(
    table: DynamoTable, today: date, days: int = 14, time_zone: str = "Europe/London"
) -> int:
    """Write hours and other people's bookings for ``days`` days from ``today`` on.

    Seeding again changes nothing that is there.

    Returns:
        How many slots other people hold afterwards.
    """
    hours = weekday_hours(ZoneInfo(time_zone))
    desk = DeskTable(desk=table, default_hours=hours)
    desk.set_hours(hours)
    midnight = datetime.combine(today, time(0), hours.zone)
    held = 0
    for ahead in range(days):
        for slot in hours.slots(today + timedelta(days=ahead)):
            if not _is_taken(slot):
                continue
            try:
                desk.book(
                    f"sample-customer-{_number(slot) % 20:02d}",
                    slot,
                    reason=_REASONS[_number(slot) % len(_REASONS)],
                    booked_at_ms=int(midnight.timestamp() * 1000),
                )
            except (SlotTaken, SlotUnknown):
                continue
            held += 1
    return held


def _number(slot: Slot) -> int:
    return int.from_bytes(sha256(f"{slot.day} {slot.start}".encode()).digest()[:4])


def _is_taken(slot: Slot) -> bool:
    return slot.start.minute == 30 and _number(slot) / 2**32 < _TAKEN_SHARE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint-url", help="DynamoDB's address; AWS's own by default")
    parser.add_argument("--table", required=True, help="name of DeskTable")
    parser.add_argument("--time-zone", default="Europe/London")
    parser.add_argument("--days", type=int, default=14)
    options = parser.parse_args()
    today = datetime.now(UTC).astimezone(ZoneInfo(options.time_zone)).date()
    table = DynamoTable(make_client(endpoint_url=options.endpoint_url), options.table)
    held = seed_desk(table, today, options.days, options.time_zone)
    print(f"{options.table}: {options.days} days from {today}, {held} slots held by other people")


if __name__ == "__main__":
    main()
