"""Daily limits of a user: the limits, the usage of the day, and what is left."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum

from repartee.domain.cost.usage import TokenUsage

DAY_MS = 24 * 60 * 60 * 1_000
DAY_S = DAY_MS // 1_000


class LimitKind(StrEnum):
    """The kind of a daily limit: two of a user, and one of the whole deployment."""

    TALK_SECONDS = "talk_seconds"
    COST = "cost"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """The most that a user may use in a UTC day; 0 sets no limit.

    Attributes:
        talk_s: Total length of the turns, in s.
        cost_usd: Cost of all models by the price list.
    """

    talk_s: int = 0
    cost_usd: Decimal = Decimal(0)

    def __bool__(self) -> bool:
        return bool(self.talk_s or self.cost_usd)


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """Limits that an operator set for one user; None where the deployment's limit applies."""

    talk_s: int | None = None
    cost_usd: Decimal | None = None

    def over(self, limits: DailyLimits) -> DailyLimits:
        """Return the limits that apply to this user."""
        return DailyLimits(
            limits.talk_s if self.talk_s is None else self.talk_s,
            limits.cost_usd if self.cost_usd is None else self.cost_usd,
        )


@dataclass(frozen=True, slots=True)
class DayUsage:
    """Usage of one user in a UTC day, over all sessions.

    Attributes:
        talk_ms: Total length of the turns.
        tokens: Tokens of all models.
        cost_usd: Cost of all models.
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
        limit: In s of talk, or in USD; 0 for the deployment, whose limit users do not learn.
        resets_at_ms: Unix time in ms at which the count starts again from 0.
    """

    kind: LimitKind
    limit: Decimal
    resets_at_ms: int


@dataclass(frozen=True, slots=True)
class Remaining:
    """Time and money that are left for the day, never below 0; None without a limit."""

    talk_s: int | None
    cost_usd: Decimal | None


def utc_day(unix_ms: int) -> date:
    """Return the UTC day of a Unix time in ms."""
    return datetime.fromtimestamp(unix_ms / 1_000, UTC).date()


def next_utc_midnight_ms(unix_ms: int) -> int:
    """Return when the next UTC day starts, always after ``unix_ms``.

    Unix days have no leap seconds.
    """
    return (unix_ms // DAY_MS + 1) * DAY_MS


def first_limit_hit(limits: DailyLimits, used: DayUsage, unix_ms: int) -> LimitHit | None:
    """Return the limit that is used up, talk before cost, or None while something is left."""
    left = remaining(limits, used)
    resets_at_ms = next_utc_midnight_ms(unix_ms)
    if left.talk_s == 0:
        return LimitHit(LimitKind.TALK_SECONDS, Decimal(limits.talk_s), resets_at_ms)
    if left.cost_usd == 0:
        return LimitHit(LimitKind.COST, limits.cost_usd, resets_at_ms)
    return None


def remaining(limits: DailyLimits, used: DayUsage) -> Remaining:
    """Return what is left. Seconds are rounded up, so 0 means that nothing is left."""
    left_ms = max(0, limits.talk_s * 1_000 - used.talk_ms)
    return Remaining(
        -(-left_ms // 1_000) if limits.talk_s else None,
        max(Decimal(0), limits.cost_usd - used.cost_usd) if limits.cost_usd else None,
    )
