"""A session ends when the cap of the whole deployment is reached."""

from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.cost.limits import DailyLimits
from repartee.domain.cost.service_cap import ServiceSpending
from repartee.domain.live.model import LiveUsage
from repartee.domain.protocol.frames import LimitReached, SessionClosed
from repartee.domain.session.effects import OpenLive, ReadUsage, SendText
from repartee.domain.session.events import Started, UsageRead
from repartee.domain.session.memory.daily_allowance import SAY_SERVICE_GOODBYE
from tests.personas import PHRASES
from tests.session_harness import SETTINGS, SessionHarness
from tests.unit.domain.session.memory.limited_calls import (
    DOLLAR,
    LIMITED,
    MIDNIGHT_MS,
    TODAY,
    goodbyes,
    turn,
    used,
)

pytestmark = pytest.mark.unit

CAPPED = replace(SETTINGS, limits=DailyLimits(), service_cap_usd=Decimal(100))
REACHED = [LimitReached("service", 0.0, MIDNIGHT_MS)]


def spent(usd: str) -> ServiceSpending:
    return ServiceSpending(TODAY, Decimal(usd))


def calling(usd: str, settings: object = CAPPED) -> SessionHarness:
    call = SessionHarness(settings=settings)  # type: ignore[arg-type]
    call.feed(Started(service=spent(usd)))
    call.hello()
    return call


def service_goodbyes(call: SessionHarness) -> int:
    goodbye = SendText(SAY_SERVICE_GOODBYE.format(PHRASES.service_goodbye))
    return sum(goodbye in sent for sent in call.to_model.values())


def test_the_turn_that_reaches_the_cap_is_answered_and_then_the_user_hears_a_goodbye() -> None:
    call = calling("99.5")
    turn(call, DOLLAR)

    assert call.ended_turns == [1]
    assert call.frames(LimitReached) == REACHED
    assert (service_goodbyes(call), goodbyes(call)) == (1, 0)
    call.reply("Please call again later.")
    call.ack()
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]


def test_what_other_users_spend_ends_the_session_after_the_next_turn() -> None:
    call = calling("1")
    turn(call, LiveUsage(DOLLAR.usage))
    assert call.all(ReadUsage)
    assert call.frames(LimitReached) == []

    call.feed(UsageRead(None, spent("100")))

    assert call.frames(LimitReached) == REACHED


def test_a_session_that_starts_above_the_cap_opens_no_live_session() -> None:
    call = calling("100")

    assert call.frames(LimitReached) == REACHED
    assert call.frames(SessionClosed) == [SessionClosed("limit_reached")]
    assert call.all(OpenLive) == []


def test_a_session_below_both_limits_goes_on_without_an_answer_of_the_tables() -> None:
    call = calling("1", replace(CAPPED, limits=LIMITED.limits))
    turn(call)
    call.feed(UsageRead(None, None))

    assert call.frames(LimitReached) == []


def test_the_users_own_limit_is_named_first() -> None:
    call = SessionHarness(settings=replace(LIMITED, service_cap_usd=Decimal(100)))
    call.feed(Started(used(cost_usd="5"), service=spent("100")))

    assert [one.kind for one in call.frames(LimitReached)] == ["cost"]
