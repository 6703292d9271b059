"""``python -m ops.seed_desk``: make sample bookings of other customers.

Only slots at half past the hour are booked, so that every full hour remains free. The choice of the
slots is the same on every machine for the same day.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from hashlib import sha256

from ops.desk import desk_in
from ops.failures import run_program
from repartee.adapters.dynamodb.front_desk import DeskTable
from repartee.config import DEFAULT_PERSONA
from repartee.domain.front_desk.bookings import Slot, SlotTaken, SlotUnknown

MAX_DAYS = 3_650
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


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MAX_DAYS}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.seed_desk", description=__doc__)
    parser.add_argument("--endpoint-url", help="DynamoDB's address (default: AWS)")
    parser.add_argument("--table", required=True, help="name of DeskTable")
    parser.add_argument("--time-zone", default="Europe/London")
    parser.add_argument("--persona", default=DEFAULT_PERSONA, help="Persona of the deployment")
    parser.add_argument("--days", type=_days, default=14)
    options = parser.parse_args(arguments)
    return run_program(lambda: _seed(options), table=options.table, failed="nothing was booked")


def _seed(options: argparse.Namespace) -> int:
    desk = desk_in(options.table, options.endpoint_url, options.time_zone, options.persona)
    held = seed_desk(desk, datetime.now(desk.default_rules.time_zone), options.days)
    print(f"{options.table}: {held} sample bookings in the coming {options.days} days")
    return 0


if __name__ == "__main__":
    sys.exit(main())
