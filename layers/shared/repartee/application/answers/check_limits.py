"""Compares the usage of the day with the daily limits."""

from dataclasses import dataclass

from repartee.application.answers.service_budget import ServiceBudget
from repartee.domain.cost.limits import (
    DailyLimits,
    DayUsage,
    LimitHit,
    Remaining,
    first_limit_hit,
    next_utc_midnight_ms,
    remaining,
    utc_day,
)
from repartee.domain.errors import ReparteeError
from repartee.domain.users.preferences import Profile
from repartee.ports.runtime import Clock
from repartee.ports.users import UsageStore


class DailyLimitReached(ReparteeError):
    """A limit of the day is used up, of the user or of the deployment.

    Attributes:
        hit: Which limit, and when it is reset.
        retry_after_s: The time until then, rounded up.
    """

    def __init__(self, hit: LimitHit, now_ms: int):
        super().__init__("daily limit reached")
        self.hit = hit
        self.retry_after_s = -(-(hit.resets_at_ms - now_ms) // 1_000)


@dataclass(frozen=True, slots=True)
class Today:
    """A user's usage and limits today."""

    limits: DailyLimits
    used: DayUsage
    left: Remaining
    resets_at_ms: int


@dataclass(frozen=True, slots=True)
class LimitChecker:
    """Compares what users have used with their limits.

    Attributes:
        limits: The deployment's limits; a user's own limits replace them.
        service: The spending of all users.
    """

    usage: UsageStore
    clock: Clock
    limits: DailyLimits
    service: ServiceBudget

    def today(self, profile: Profile) -> Today:
        """Return the user's day.

        Raises:
            StoreUnavailable: The table failed beyond the retries.
        """
        now_ms, limits = self.clock.now_ms(), profile.limits.over(self.limits)
        used = self.usage.of_day(profile.user_id, utc_day(now_ms))
        return Today(limits, used, remaining(limits, used), next_utc_midnight_ms(now_ms))

    def check(self, profile: Profile) -> None:
        """Return if neither the user nor the deployment has reached a daily limit.

        Raises:
            DailyLimitReached: The user or the deployment has reached a limit.
            StoreUnavailable: The table failed beyond the retries.
        """
        now_ms, hit = self.clock.now_ms(), None
        if profile.limits.over(self.limits):
            today = self.today(profile)
            hit = first_limit_hit(today.limits, today.used, now_ms)
        hit = hit or self.service.hit()
        if hit is not None:
            raise DailyLimitReached(hit, now_ms)
