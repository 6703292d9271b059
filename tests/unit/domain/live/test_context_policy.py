"""Whether a Live session's context is kept or reseeded, by its cost."""

from dataclasses import replace
from decimal import Decimal

import pytest

from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.context_policy import (
    HORIZON_TURNS,
    MIN_SAVING_USD,
    ContextPolicy,
    carried,
    reseed_saves_usd,
    seed_tokens,
)
from repartee.domain.live.model import (
    HistoryEntry,
    LiveConfig,
    Role,
    ToolDeclaration,
    ToolParameter,
)

pytestmark = pytest.mark.unit

KEEP, RESEED, AUTO = ContextPolicy.KEEP, ContextPolicy.RESEED, ContextPolicy.AUTO
PRICES = Prices(Decimal(1), Decimal(4), Decimal(0), Decimal(0), "made up for tests")
CONFIG = LiveConfig("model", "voice", "en-US", "x" * 400, ())


def test_the_next_turn_carries_what_went_into_the_last_one_and_what_came_out():
    assert carried(TokenUsage(1, 2, 3, 4)) == TokenUsage(text_in=4, audio_in=6)


def test_a_fresh_session_carries_its_instruction_its_history_and_its_tools():
    history = (HistoryEntry(Role.USER, "y" * 30), HistoryEntry(Role.MODEL, "z" * 10))
    tool = ToolDeclaration("find", "Finds things.", (ToolParameter("what", "Which."),))

    assert seed_tokens(CONFIG) == 100
    assert seed_tokens(replace(CONFIG, history=history)) == 110
    assert seed_tokens(replace(CONFIG, tools=(tool,))) == 106


def test_the_saving_is_the_difference_over_the_next_turns():
    context = TokenUsage(text_in=1_000, audio_in=5_000)
    each_turn = Decimal("0.021") - Decimal("0.0005")

    assert reseed_saves_usd(AUTO, context, 500, PRICES) == each_turn * HORIZON_TURNS


def test_a_context_that_is_hardly_dearer_is_carried_on():
    enough = int(MIN_SAVING_USD * 1_000_000 / 4 / HORIZON_TURNS)

    assert reseed_saves_usd(AUTO, TokenUsage(audio_in=enough), 0, PRICES) == MIN_SAVING_USD
    assert reseed_saves_usd(AUTO, TokenUsage(audio_in=enough - 1), 0, PRICES) is None


def test_a_text_context_is_never_replaced_to_cost_as_much():
    assert reseed_saves_usd(AUTO, TokenUsage(text_in=50_000), 50_000, PRICES) is None


@pytest.mark.parametrize("tokens", [1, 100_000])
def test_an_operator_may_keep_or_replace_the_context_at_any_cost(tokens):
    context = TokenUsage(audio_in=10_000)

    assert reseed_saves_usd(KEEP, context, tokens, PRICES) is None
    assert reseed_saves_usd(RESEED, context, tokens, PRICES) is not None


@pytest.mark.parametrize("policy", ContextPolicy)
def test_a_session_that_has_not_answered_yet_is_kept(policy):
    assert reseed_saves_usd(policy, TokenUsage(), 0, PRICES) is None
