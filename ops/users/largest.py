"""``python -m ops.users.largest``: list the users that used most on a UTC day.

It scans MemoryTable for the counters of that day.
"""

import argparse
import heapq
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ops.failures import run_program
from ops.stack_access import open_stack
from ops.users.arguments import add_environment, add_scan, positive
from ops.users.table_scan import TableScan
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.expiry import is_kept
from repartee.adapters.dynamodb.users.usage_items import usage_from
from repartee.domain.cost.limits import DayUsage

ORDERS = {
    "usd": lambda used: used.cost_usd,
    "talk": lambda used: used.talk_ms,
    "turns": lambda used: used.turns,
}


@dataclass(frozen=True, slots=True)
class UserDay:
    """A user's counters of a day."""

    user_id: str
    used: DayUsage


@dataclass(slots=True)
class DayTotals:
    """Sums over all users of a day."""

    users: int = 0
    turns: int = 0
    talk_ms: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)

    def add(self, used: DayUsage) -> None:
        """Count a user."""
        self.users += 1
        self.turns += used.turns
        self.talk_ms += used.talk_ms
        self.cost_usd += used.cost_usd


def largest_users(
    scan: TableScan, day: date, *, order: str, limit: int, now_ms: int
) -> tuple[list[UserDay], DayTotals]:
    """Return the ``limit`` users that used most on ``day``, the largest first, and the totals.

    Raises:
        ClientError: DynamoDB refused the request.
    """
    totals = DayTotals()

    def counted() -> Iterator[UserDay]:
        for one in _days(scan, day, now_ms):
            totals.add(one.used)
            yield one

    return heapq.nlargest(limit, counted(), key=lambda one: ORDERS[order](one.used)), totals


def _days(scan: TableScan, day: date, now_ms: int) -> Iterator[UserDay]:
    prefix = keys.user("")
    for item in scan.items(
        "sk = :day AND begins_with(pk, :user)",
        {":day": keys.USAGE_PREFIX + day.isoformat(), ":user": prefix},
        only="pk, sk, turns, talk_ms, cost_usd, expires_at",
    ):
        if is_kept(item, now_ms):
            yield UserDay(item["pk"]["S"].removeprefix(prefix), usage_from(item))


def _row(cost_usd: Decimal, turns: int, talk_ms: int, name: str) -> str:
    talk = timedelta(seconds=talk_ms // 1_000)
    return f"{cost_usd:>12.4f} USD  {turns:>7} turns  {talk!s:>16} talk  {name}"


def _list(options: argparse.Namespace) -> int:
    stack = open_stack(options.env)
    scan = TableScan(stack.dynamodb(), stack.output("MemoryTableName"), options.units_per_s)
    found, totals = largest_users(
        scan, options.day, order=options.by, limit=options.top, now_ms=time.time_ns() // 1_000_000
    )
    for one in found:
        print(_row(one.used.cost_usd, one.used.turns, one.used.talk_ms, one.user_id))
    everyone = f"all {totals.users} users on {options.day} UTC"
    print(_row(totals.cost_usd, totals.turns, totals.talk_ms, everyone))
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2026-12-01") from None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.users.largest", description=__doc__)
    add_environment(parser)
    add_scan(parser)
    parser.add_argument(
        "--day", type=_day, default=datetime.now(UTC).date(), help="UTC (default: today)"
    )
    parser.add_argument("--by", choices=ORDERS, default="usd", help="order (default: %(default)s)")
    parser.add_argument(
        "--top", type=positive, default=20, help="how many users (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    return run_program(
        lambda: _list(options), table="MemoryTable", failed="the users cannot be listed"
    )


if __name__ == "__main__":
    sys.exit(main())
