from datetime import date
from decimal import Decimal

import pytest

from repartee.domain.cost.limits import DayUsage
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.users.export import Account, ToolRecord
from repartee.domain.users.preferences import Profile

pytestmark = pytest.mark.unit


def test_an_accounts_totals_are_the_sums_of_its_days() -> None:
    days = (
        DayUsage(date(2026, 11, 20), 2, 3_000, TokenUsage(1, 2, 3, 4), Decimal("0.1")),
        DayUsage(date(2026, 11, 19), 1, 500, TokenUsage(10, 20, 30, 40), Decimal("0.2")),
    )

    account = Account(Profile("user"), (), (), days)

    assert (account.turns, account.talk_ms, account.cost_usd) == (3, 3_500, Decimal("0.3"))
    assert account.tokens == TokenUsage(11, 22, 33, 44)


def test_the_place_of_a_tools_record_orders_records_by_kind() -> None:
    places = [ToolRecord(kind, record_id, "{}").place for kind, record_id in ("b1", "a2", "a1")]

    assert sorted(places) == ["a#1", "a#2", "b#1"]
