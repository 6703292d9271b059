from collections.abc import Sequence
from datetime import date
from typing import Protocol

from repartee.domain.cost.limits import DayUsage
from repartee.domain.session.state import Spending


class UsageStore(Protocol):
    """Counts what users use, by UTC day. A turn's commit counts it, less what core_agent has.

    All methods raise ``StoreUnavailable`` when the table fails beyond the retries.
    """

    def of_day(self, user_id: str, day: date) -> DayUsage:
        """Return what the user has used on ``day``, every commit before this call included."""
        ...

    def days(self, user_id: str, *, limit: int) -> Sequence[DayUsage]:
        """Return the user's newest days on which something was used, the newest first."""
        ...

    def add(self, spending: Spending) -> None:
        """Count what no commit counts, in the day and in its session; once per token.

        Raises:
            UserErased: The user's tombstone is set: nothing was counted.
            LeaseLost: The session's epoch has moved on from the spending's: nothing was counted.
        """
        ...
