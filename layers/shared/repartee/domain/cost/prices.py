"""Prices of models per token, by date, and the price assumed for an unknown model."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from repartee.domain.cost.usage import Bill, TokenUsage

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Prices:
    """A model's list prices in USD per million tokens.

    Attributes:
        source: Where the prices come from, and when they were read.
    """

    text_in_usd: Decimal
    audio_in_usd: Decimal
    text_out_usd: Decimal
    audio_out_usd: Decimal
    source: str

    def cost_usd(self, usage: TokenUsage) -> Decimal:
        """Return the cost of ``usage`` in USD."""
        return (
            usage.text_in * self.text_in_usd
            + usage.audio_in * self.audio_in_usd
            + usage.text_out * self.text_out_usd
            + usage.audio_out * self.audio_out_usd
        ) / _MILLION

    def bill(self, usage: TokenUsage) -> Bill:
        """Return ``usage`` together with its cost."""
        return Bill(usage, self.cost_usd(usage))


@dataclass(frozen=True, slots=True)
class ListPrice:
    """A model's prices from a day on, until a later entry for the same model."""

    model: str
    since: date
    prices: Prices


@dataclass(frozen=True, slots=True)
class Quote:
    """The prices that are used for a model.

    Attributes:
        is_known: False for a model that is on no list. Such a model gets the highest price of each
            kind of token, so that a cost limit is reached too early rather than too late.
    """

    prices: Prices
    is_known: bool


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by model; never empty."""

    entries: tuple[ListPrice, ...]

    def replacing(self, own: Iterable[ListPrice]) -> "PriceList":
        """Return a list in which an operator's own prices replace the prices of those models."""
        own = tuple(own)
        models = {entry.model for entry in own}
        kept = (entry for entry in self.entries if entry.model not in models)
        return PriceList((*own, *kept))

    def quote(self, model: str, on: date) -> Quote:
        """Return the prices of ``model`` on a UTC day.

        Before the model's first entry, the prices of that entry apply.
        """
        of_model = sorted(
            (entry for entry in self.entries if entry.model == model),
            key=lambda entry: entry.since,
        )
        if not of_model:
            return Quote(self._dearest(), is_known=False)
        begun = [entry for entry in of_model if entry.since <= on]
        return Quote((begun or of_model[:1])[-1].prices, is_known=True)

    def _dearest(self) -> Prices:
        known = [entry.prices for entry in self.entries]
        return Prices(
            max(prices.text_in_usd for prices in known),
            max(prices.audio_in_usd for prices in known),
            max(prices.text_out_usd for prices in known),
            max(prices.audio_out_usd for prices in known),
            "the highest known price of each kind, because this model is unknown",
        )


def parse_prices(text: str) -> tuple[ListPrice, ...]:
    """Parse an operator's own prices.

    Entries have the form ``MODEL=TEXT_IN/AUDIO_IN/TEXT_OUT/AUDIO_OUT`` and are separated by commas.
    Each number is USD per million tokens, as in ``gemini-3.8-live=0.75/3/4.50/12``.

    Raises:
        ValueError: An entry has another form; the message names it.
    """
    return tuple(_parse_one(part.strip()) for part in text.split(",") if part.strip())


def _parse_one(entry: str) -> ListPrice:
    model, _, numbers = entry.partition("=")
    try:
        usd = [Decimal(number) for number in numbers.split("/")]
    except InvalidOperation:
        usd = []
    if not (model and all(one.is_finite() and one >= 0 for one in usd)):
        usd = []
    try:
        text_in, audio_in, text_out, audio_out = usd
    except ValueError:
        raise ValueError(
            f"{entry!r} is no price: write MODEL=TEXT_IN/AUDIO_IN/TEXT_OUT/AUDIO_OUT, "
            "with each price in USD per million tokens and not below 0"
        ) from None
    prices = Prices(text_in, audio_in, text_out, audio_out, "the operator's own price")
    return ListPrice(model.strip(), date.min, prices)
