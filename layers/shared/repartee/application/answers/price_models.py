"""What the models in use cost, with a word to the operator about one that has no price."""

from dataclasses import dataclass

from repartee.domain.cost.limits import utc_day
from repartee.domain.cost.prices import PriceList, Prices
from repartee.ports.runtime import Log


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """Prices of a function's models, as they are when its process starts."""

    price_list: PriceList
    now_ms: int
    log: Log

    def of(self, model: str) -> Prices:
        """Return the model's prices; those of a model without any are the dearest known."""
        quote = self.price_list.quote(model, utc_day(self.now_ms))
        if not quote.is_known:
            self.log.warning("model without a price", extra={"model": model})
        return quote.prices
