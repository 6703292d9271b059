"""Decides by counted tokens whether a live session's context is worth carrying on.

Gemini bills the whole context of a live session again on every turn, old audio included. A fresh
session that is told in text what was said carries less, but knows the words only.
"""

from decimal import Decimal
from enum import StrEnum

from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveConfig

# Gemini's own rule of thumb for English text.
CHARACTERS_PER_TOKEN = 4
# A fresh session takes up to a second to be set up and loses the tone of voice: not for mites. By
# list prices this is about half a minute of carried audio.
HORIZON_TURNS = 5
MIN_SAVING_USD = Decimal("0.01")


class ContextPolicy(StrEnum):
    """What happens to the context in the pause after a turn."""

    KEEP = "keep"  # carried on until the model's server ends the session
    RESEED = "reseed"  # told anew after every turn
    AUTO = "auto"  # told anew once that is cheaper by enough


def carried(usage: TokenUsage) -> TokenUsage:
    """Return the context that the next turn pays for, by what the last one was billed."""
    return TokenUsage(
        text_in=usage.text_in + usage.text_out, audio_in=usage.audio_in + usage.audio_out
    )


def seed_tokens(config: LiveConfig) -> int:
    """Estimate what a fresh session carries at its begin."""
    tools = (
        f"{tool.name}{tool.description}{parameter.name}{parameter.description}"
        for tool in config.tools
        for parameter in tool.parameters
    )
    texts = (config.system_instruction, *(entry.text for entry in config.history), *tools)
    return sum(map(len, texts)) // CHARACTERS_PER_TOKEN


def reseed_saves_usd(
    policy: ContextPolicy, context: TokenUsage, tokens: int, prices: Prices
) -> Decimal | None:
    """Decide whether to go on in a fresh session.

    Args:
        policy: What the operator wants.
        context: What the next turn of this session pays for, see ``carried``.
        tokens: What the next turn of a fresh session pays for, see ``seed_tokens``.
        prices: Of the model.

    Returns:
        What that is estimated to save over the next ``HORIZON_TURNS``, None when to stay.
    """
    if policy is ContextPolicy.KEEP or context == TokenUsage():
        return None
    each_turn_usd = prices.cost_usd(context) - prices.cost_usd(TokenUsage(text_in=tokens))
    saves_usd = each_turn_usd * HORIZON_TURNS
    if policy is ContextPolicy.AUTO and saves_usd < MIN_SAVING_USD:
        return None
    return saves_usd
