from decimal import Decimal

import pytest

from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import Bill, TokenUsage

pytestmark = pytest.mark.unit

PRICES = Prices(Decimal("0.5"), Decimal(3), Decimal(2), Decimal(12), "made up for tests")


def test_usage_adds_up_by_direction_and_modality():
    total = TokenUsage(1, 2, 3, 4) + TokenUsage(10, 20, 30, 40)

    assert total == TokenUsage(text_in=11, audio_in=22, text_out=33, audio_out=44)
    assert (total.tokens_in, total.tokens_out) == (33, 77)


def test_each_kind_of_token_has_its_own_price():
    million = 1_000_000

    assert PRICES.cost_usd(TokenUsage(text_in=million)) == Decimal("0.5")
    assert PRICES.cost_usd(TokenUsage(audio_in=million)) == 3
    assert PRICES.cost_usd(TokenUsage(text_out=million)) == 2
    assert PRICES.cost_usd(TokenUsage(audio_out=million)) == 12


def test_the_cost_of_one_token_is_not_rounded_away():
    assert PRICES.cost_usd(TokenUsage(text_in=1)) == Decimal("0.0000005")


def test_nothing_used_costs_nothing():
    assert PRICES.cost_usd(TokenUsage()) == 0


def test_bills_of_several_models_add_up():
    live = PRICES.bill(TokenUsage(audio_in=1_000_000))
    core = Bill(TokenUsage(text_in=10, text_out=1), Decimal("0.25"))

    total = live + core

    assert total == Bill(TokenUsage(10, 1_000_000, 1, 0), Decimal("3.25"))
    assert total - core == live
    assert not Bill()
    assert Bill(cost_usd=Decimal("0.1"))
