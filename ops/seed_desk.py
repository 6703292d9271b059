"""``python -m ops.seed_desk``: make sample bookings of other customers.

Only slots at half past the hour are booked, so that every full hour remains free. The choice of the
slots is the same on every machine for the same day.
"""

import argparse
from datetime import datetime, time, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo

from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA
from repartee.domain.front_desk.bookings import Slot, SlotTaken, SlotUnknown
from repartee.domain.front_desk.rules import default_rules

_TAKEN_SHARE = 0.4


def seed_desk(desk: DeskTable, now: datetime, days: int = 14) -> int:
    """Write sample bookings for ``days`` days from ``now`` on.

    A repeated run does not change existing bookings.

    Returns:
        The number of sample bookings.
    """
    rules = desk.rules()
    today = rules.today(now)
    midnight_ms = int(datetime.combine(today, time(0), rules.time_zone).timestamp() * 1000)
    held = 0
    for ahead in range(days):
        for slot in rules.slots(today + timedelta(days=ahead)):
            if not _is_taken(slot):
                continue
            user = f"sample-customer-{_number(slot) % 20:02d}"
            try:
                desk.book(user, slot, reason="", booked_at_ms=midnight_ms)
            except (SlotTaken, SlotUnknown):
                continue
            held += 1
    return held


def _number(slot: Slot) -> int:
    return int.from_bytes(sha256(f"{slot.day} {slot.start}".encode()).digest()[:4])


def _is_taken(slot: Slot) -> bool:
    return slot.start.minute == 30 and _number(slot) / 2**32 < _TAKEN_SHARE


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ops.seed_desk", description=__doc__)
    parser.add_argument("--endpoint-url", help="DynamoDB's address (default: AWS)")
    parser.add_argument("--table", required=True, help="name of DeskTable")
    parser.add_argument("--time-zone", default="Europe/London")
    parser.add_argument("--persona", default=DEFAULT_PERSONA, help="Persona of the deployment")
    parser.add_argument("--days", type=int, default=14)
    options = parser.parse_args()
    zone, hours = ZoneInfo(options.time_zone), load_persona(options.persona).hours
    table = DynamoTable(make_client(endpoint_url=options.endpoint_url), options.table)
    desk = DeskTable(desk=table, default_rules=default_rules(zone, hours))
    held = seed_desk(desk, datetime.now(zone), options.days)
    print(f"{options.table}: {held} sample bookings in the coming {options.days} days")


if __name__ == "__main__":
    main()
