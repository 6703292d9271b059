"""What one user may use in a UTC day, and whether that is used up."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

from repartee.domain.cost.usage import TokenUsage

DAY_MS = 24 * 60 * 60 * 1_000
DAY_S = DAY_MS // 1_000


class LimitKind(StrEnum):
    """What is limited."""

    TALK_SECONDS = "talk_seconds"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """What a user may use in a UTC day; 0 sets no limit.

    Attributes:
        talk_s: Time of turns, in s.
        cost_usd: What models cost by the price list.
    """

    talk_s: int = 0
    cost_usd: Decimal = Decimal(0)

    def __bool__(self) -> bool:
        return bool(self.talk_s or self.cost_usd)


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """What an operator decided for one user; None where the deployment's limit holds."""

    talk_s: int | None = None
    cost_usd: Decimal | None = None

    def over(self, limits: DailyLimits) -> DailyLimits:
        """Return the limits that hold for this user."""
        return DailyLimits(
            limits.talk_s if self.talk_s is None else self.talk_s,
            limits.cost_usd if self.cost_usd is None else self.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What a user has used in a UTC day, over all sessions.

    Attributes:
        talk_ms: Sum of the turns' times from their begin to their end.
        tokens: Of all models.
        cost_usd: What they cost.
    """

    day: date
    turns: int = 0
    talk_ms: int = 0
    tokens: TokenUsage = field(default_factory=TokenUsage)
    cost_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class LimitHit:
    """A limit that is used up.

    Attributes:
        limit: In s of talk, or in USD.
        resets_at_ms: Unix time in ms from which it counts anew.
    """

    kind: LimitKind
    limit: Decimal
    resets_at_ms: int


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of the day, never below 0; None where there is no limit."""

    talk_s: int | None
    cost_usd: Decimal | None


def utc_day(unix_ms: int) -> date:
    """Return the UTC day of a moment."""
    return datetime.fromtimestamp(unix_ms / 1_000, UTC).date()


def next_utc_midnight_ms(unix_ms: int) -> int:
    """Return when the next UTC day begins, always after ``unix_ms``. Unix days have no leap s."""
    return (unix_ms // DAY_MS + 1) * DAY_MS


def first_limit_hit(limits: DailyLimits, used: DayUsage, unix_ms: int) -> LimitHit | None:
    """Return which limit is used up; talk before cost, None while there is something left."""
    left = remaining(limits, used)
    resets_at_ms = next_utc_midnight_ms(unix_ms)
    if left.talk_s == 0:
        return LimitHit(LimitKind.TALK_SECONDS, Decimal(limits.talk_s), resets_at_ms)
    if left.cost_usd == 0:
        return LimitHit(LimitKind.COST, limits.cost_usd, resets_at_ms)
    return None


def remaining(limits: DailyLimits, used: DayUsage) -> Remaining:
    """Return what is left; a started second is still there, so 0 means that nothing is."""
    left_ms = max(0, limits.talk_s * 1_000 - used.talk_ms)
    return Remaining(
        -(-left_ms // 1_000) if limits.talk_s else None,
        max(Decimal(0), limits.cost_usd - used.cost_usd) if limits.cost_usd else None,
    )
