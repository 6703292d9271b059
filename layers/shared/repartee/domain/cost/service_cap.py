"""The cap on what the models of the whole deployment cost in a UTC day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from repartee.domain.cost.limits import LimitHit, LimitKind, next_utc_midnight_ms, utc_day


@dataclass(frozen=True, slots=True)
class ServiceSpending:
    """What the models of all users have cost in a UTC day."""

    day: date
    cost_usd: Decimal = Decimal(0)

    def plus(self, cost_usd: Decimal) -> "ServiceSpending":
        """Return the spending with one more cost of the same day."""
        return ServiceSpending(self.day, self.cost_usd + cost_usd)


def spent_on(day: date, spent: ServiceSpending | None) -> ServiceSpending:
    """Return ``spent`` if it is of this day, otherwise a day without costs."""
    return spent if spent is not None and spent.day == day else ServiceSpending(day)


def service_cap_hit(
    cap_usd: Decimal, spent: ServiceSpending | None, unix_ms: int
) -> LimitHit | None:
    """Return the cap as a limit if it is used up now, None otherwise.

    Users do not learn the cap, so the limit's amount is 0.

    Args:
        cap_usd: The cap, 0 for none.
        spent: The spending of the newest day that is known, None if none is.
        unix_ms: The present.
    """
    if not cap_usd or spent_on(utc_day(unix_ms), spent).cost_usd < cap_usd:
        return None
    return LimitHit(LimitKind.SERVICE, Decimal(0), next_utc_midnight_ms(unix_ms))
