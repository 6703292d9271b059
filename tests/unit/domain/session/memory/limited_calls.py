"""Sessions of users with a daily limit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from repartee.domain.cost.limits import DailyLimits, DayUsage
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveUsage
from repartee.domain.protocol.messages import Text
from repartee.domain.session.effects import SendText
from repartee.domain.session.events import Started
from repartee.domain.session.memory.daily_allowance import SAY_GOODBYE
from tests.fakes.clock import NOON_MS
from tests.personas import PHRASES
from tests.session_harness import SETTINGS, SessionHarness

TODAY = date(2026, 11, 20)
MIDNIGHT_MS = NOON_MS + 12 * 3_600_000
LIMITED = replace(SETTINGS, limits=DailyLimits(talk_s=60, cost_usd=Decimal(5)))
# By the tests' prices a million tokens of text in is a dollar.
DOLLAR = LiveUsage(TokenUsage(text_in=1_000_000))


def used(talk_ms: int = 0, cost_usd: str = "0") -> DayUsage:
    return DayUsage(TODAY, talk_ms=talk_ms, cost_usd=Decimal(cost_usd))


def beginning_with(usage: DayUsage, **fields: object) -> SessionHarness:
    call = SessionHarness(**{"settings": LIMITED, **fields})  # type: ignore[arg-type]
    call.feed(Started(usage))
    call.hello()
    return call


def goodbyes(call: SessionHarness) -> int:
    goodbye = SendText(SAY_GOODBYE.format(PHRASES.goodbye))
    return sum(goodbye in sent for sent in call.to_model.values())


def turn(call: SessionHarness, *events: LiveUsage) -> None:
    """One typed question and its answer."""
    call.send(Text("When do you open?"))
    call.live(*events)
    call.reply()
    call.ack()
