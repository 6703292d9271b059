"""Listing the users that used most on a day."""

from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from ops.users.largest import DayTotals, largest_users
from ops.users.table_scan import TableScan

pytestmark = pytest.mark.unit

DAY = date(2026, 12, 1)


class Pages:
    """Answers scans with one page for each list of items, at 100 read units."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.requests: list[dict[str, Any]] = []

    def scan(self, **request: Any) -> dict[str, Any]:
        self.requests.append(dict(request))
        page = int(request.get("ExclusiveStartKey", {"page": 0})["page"])
        more = page + 1 < len(self.pages)
        return {
            "Items": self.pages[page],
            "ConsumedCapacity": {"CapacityUnits": 100.0},
            **({"LastEvaluatedKey": {"page": page + 1}} if more else {}),
        }


def used(user: str, cost: str, turns: int = 0, talk_ms: int = 0, **more: int) -> dict[str, Any]:
    numbers = {"turns": turns, "talk_ms": talk_ms, "cost_usd": cost, **more}
    return {
        "pk": {"S": f"user#{user}"},
        "sk": {"S": "usage#2026-12-01"},
        **{name: {"N": str(value)} for name, value in numbers.items()},
    }


def scan_of(pages: Pages, waits: list[float], units_per_s: int = 250) -> TableScan:
    return TableScan(cast("Any", pages), "MemoryTable", units_per_s, waits.append)


@pytest.mark.parametrize(
    ("order", "users"), [("usd", ["b", "d"]), ("turns", ["a", "d"]), ("talk", ["d", "b"])]
)
def test_the_largest_users_of_all_pages_come_first(order: str, users: list[str]) -> None:
    pages = Pages(
        [used("a", "0.1", 9, 10), used("b", "3.25", 2, 20)],
        [],
        [used("c", "0"), used("d", "1", 5, 30)],
    )

    found, totals = largest_users(scan_of(pages, []), DAY, order=order, limit=2, now_ms=0)

    assert [one.user_id for one in found] == users
    assert totals == DayTotals(4, 16, 60, Decimal("4.35"))


def test_an_expired_day_is_left_out() -> None:
    pages = Pages([used("kept", "1", expires_at=200), used("gone", "2", expires_at=100)])

    found, totals = largest_users(scan_of(pages, []), DAY, order="usd", limit=9, now_ms=150_000)

    assert ([one.user_id for one in found], totals.users) == (["kept"], 1)


def test_the_scan_waits_after_each_page_for_the_units_that_it_used() -> None:
    waits: list[float] = []
    pages = Pages([], [], [])

    largest_users(scan_of(pages, waits, units_per_s=50), DAY, order="usd", limit=1, now_ms=0)

    assert waits == [2.0, 2.0]
    assert "ConsistentRead" not in pages.requests[0]
