from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from repartee.application.answers.price_models import ModelPrices
from repartee.config import PRICE_LIST, CoreAgentSettings, StreamAgentSettings
from repartee.domain.cost.prices import ListPrice, PriceList, Prices, parse_prices
from repartee.domain.cost.usage import TokenUsage
from tests.fakes.clock import NOON_MS
from tests.fakes.log import CapturedLog

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 22)
CHEAP = Prices(Decimal(1), Decimal(2), Decimal(3), Decimal(9), "old page")
DEAR = Prices(Decimal(2), Decimal(4), Decimal(6), Decimal(8), "new page")
LIST = PriceList(
    (
        ListPrice("a", date(2026, 1, 1), CHEAP),
        ListPrice("a", date(2027, 1, 1), DEAR),
        ListPrice("b", date.min, CHEAP),
    )
)


def test_a_price_holds_from_its_day_until_the_next_one() -> None:
    assert LIST.quote("a", date(2026, 12, 31)).prices == CHEAP
    assert LIST.quote("a", date(2027, 1, 1)).prices == DEAR
    assert LIST.quote("a", date(2025, 1, 1)).prices == CHEAP
    assert LIST.quote("a", TODAY).is_known


def test_an_unpriced_model_has_the_highest_price_of_each_kind() -> None:
    quote = LIST.quote("unheard-of", TODAY)

    assert not quote.is_known
    assert replace(quote.prices, source=DEAR.source) == replace(DEAR, audio_out_usd=Decimal(9))


def test_an_operators_price_holds_over_every_entry_of_its_model() -> None:
    own = LIST.replacing(parse_prices("a=0.5/1/1.50/2, c=7/7/7/7"))

    for day in (date(2026, 1, 1), date(2030, 1, 1)):
        assert own.quote("a", day).prices.text_in_usd == Decimal("0.5")
    assert own.quote("b", TODAY).prices == CHEAP
    assert own.quote("c", TODAY).is_known


@pytest.mark.parametrize(
    "text", ["a", "a=1/2/3", "a=1/2/3/4/5", "=1/2/3/4", "a=1/2/3/x", "a=1/2/3/-4", "a=1/2/3/NaN"]
)
def test_a_price_that_cannot_be_read_is_shown_with_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="MODEL=TEXT_IN") as caught:
        parse_prices(text)
    assert text in str(caught.value)


def test_the_default_models_have_a_price() -> None:
    live = StreamAgentSettings.model_fields["gemini_live_model"].default
    core = CoreAgentSettings.model_fields["gemini_core_model"].default

    assert PRICE_LIST.quote(live, TODAY).is_known
    assert PRICE_LIST.quote(core, TODAY).is_known


def test_every_entry_of_the_list_says_where_it_is_from_and_when_it_was_read() -> None:
    for entry in PRICE_LIST.entries:
        assert "2026-" in entry.prices.source


def test_thoughts_and_words_of_a_core_model_have_its_list_price() -> None:
    prices = PRICE_LIST.quote("gemini-3.8-flash", TODAY).prices

    assert prices.cost_usd(TokenUsage(text_in=1_000_000)) == Decimal("0.75")
    assert prices.cost_usd(TokenUsage(text_out=1_000_000)) == Decimal("3.75")
    doubled = PRICE_LIST.quote("gemini-3.8-flash", date(2027, 1, 1)).prices
    assert doubled.cost_usd(TokenUsage(text_out=1_000_000)) == Decimal("7.50")


def test_a_model_without_a_price_is_logged_and_no_other() -> None:
    log = CapturedLog()
    prices = ModelPrices(LIST, NOON_MS, log.logger)

    assert prices.of("a") == CHEAP
    assert log.text == ""
    assert prices.of("unheard-of").audio_in_usd == DEAR.audio_in_usd

    (line,) = log.lines
    assert (line["message"], line["model"]) == ("model without a price", "unheard-of")
