from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel

from http_api.deps import Dependencies
from http_api.identity import UserId
from http_api.values import Moment
from repartee.application.answers.check_limits import Today
from repartee.domain.cost.limits import DayUsage

router = APIRouter()

MAX_DAYS = 100


class DayView(BaseModel):
    """The usage of a UTC day."""

    day: str
    turns: int
    talk_s: float
    tokens_in: int
    tokens_out: int
    cost_usd: float

    @classmethod
    def of(cls, used: DayUsage) -> Self:
        """Show ``used``."""
        return cls(
            day=used.day.isoformat(),
            turns=used.turns,
            talk_s=used.talk_ms / 1_000,
            tokens_in=used.tokens.tokens_in,
            tokens_out=used.tokens.tokens_out,
            cost_usd=float(used.cost_usd),
        )


class LimitView(BaseModel):
    """A daily limit; absent kinds have none.

    Attributes:
        limit: In s of talk, or in USD.
        left: The rest for today, never below 0.
    """

    kind: Literal["talk_seconds", "cost"]
    limit: float
    left: float


class UsageView(BaseModel):
    """The user's usage, and the rest of today's limits.

    Attributes:
        resets_at: When the next day begins.
        days: The days with usage, the newest first.
    """

    today: DayView
    limits: list[LimitView]
    resets_at: Moment
    days: list[DayView]


def _limits(today: Today) -> list[LimitView]:
    views, left = [], today.left
    if left.talk_s is not None:
        views.append(LimitView(kind="talk_seconds", limit=today.limits.talk_s, left=left.talk_s))
    if left.cost_usd is not None:
        limit, rest = float(today.limits.cost_usd), float(left.cost_usd)
        views.append(LimitView(kind="cost", limit=limit, left=rest))
    return views


@router.get("/me/usage")
def read_usage(
    deps: Dependencies, user_id: UserId, days: Annotated[int, Query(ge=1, le=MAX_DAYS)] = 30
) -> UsageView:
    """Return the user's usage by day, and the rest of today's limits."""
    today = deps.limits.today(deps.profiles.load(user_id))
    return UsageView(
        today=DayView.of(today.used),
        limits=_limits(today),
        resets_at=today.resets_at_ms,
        days=[DayView.of(used) for used in deps.usage.days(user_id, limit=days)],
    )
