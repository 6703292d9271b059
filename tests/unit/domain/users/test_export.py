from datetime import date
from decimal import Decimal

import pytest

from repartee.domain.cost.limits import DayUsage
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.users.export import Account
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
