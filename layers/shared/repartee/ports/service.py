"""Ports of what concerns all users: the operator's stop of all calls, and the day's spending."""

from datetime import date
from typing import Protocol

from repartee.domain.cost.service_cap import ServiceSpending


class CallSwitch(Protocol):
    """Reads whether the operator has stopped all calls."""

    def is_stopped(self) -> bool:
        """Return whether calls are stopped; False if the table does not answer, so calls go on."""
        ...


class ServiceSpendings(Protocol):
    """Counts what the models of all users cost by UTC day.

    Both methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def add(self, spent: ServiceSpending, *, source: str) -> None:
        """Count a spending; it may have been counted if this fails.

        Args:
            spent: The spending.
            source: An id of the process or session that spent it. Different sources write to
                different items, so that many writers at once do not wait for each other.
        """
        ...

    def of_day(self, day: date) -> ServiceSpending:
        """Return everything that is counted on ``day``, every earlier ``add`` included."""
        ...
