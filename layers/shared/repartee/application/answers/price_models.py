"""Prices of the models in use, with a warning to the operator about one without a price."""

from dataclasses import dataclass

from repartee.domain.cost.limits import utc_day
from repartee.domain.cost.prices import PriceList, Prices
from repartee.ports.runtime import Log


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """Prices of a function's models at the start of its process."""

    price_list: PriceList
    now_ms: int
    log: Log

    def of(self, model: str) -> Prices:
        """Return the model's prices; for a model without prices, the highest known ones."""
        quote = self.price_list.quote(model, utc_day(self.now_ms))
        if not quote.is_known:
            self.log.warning("model without a price", extra={"model": model})
        return quote.prices
