"""Decides from token counts whether to replace a Live session by a fresh one.

Gemini bills the whole context of a Live session again on every turn, old audio included. A fresh
session gets the conversation as text. That context is smaller, but it holds only the words.
"""

from decimal import Decimal
from enum import StrEnum

from repartee.domain.cost.prices import Prices
from repartee.domain.cost.usage import TokenUsage
from repartee.domain.live.model import LiveConfig

# Gemini's rule of thumb for English text.
CHARACTERS_PER_TOKEN = 4
# The set-up of a fresh session takes up to a second, and the tone of voice is lost. That is not
# worth a fraction of a cent. By list prices 0.01 USD is about half a minute of carried audio.
HORIZON_TURNS = 5
MIN_SAVING_USD = Decimal("0.01")


class ContextPolicy(StrEnum):
    """The handling of the context in the pause after a turn."""

    KEEP = "keep"  # keep the session until the model's server ends it
    RESEED = "reseed"  # open a fresh session after every turn
    AUTO = "auto"  # open a fresh session once that saves MIN_SAVING_USD


def carried(usage: TokenUsage) -> TokenUsage:
    """Return the context that is billed with the next turn, given the usage of the last one."""
    return TokenUsage(
        text_in=usage.text_in + usage.text_out, audio_in=usage.audio_in + usage.audio_out
    )


def seed_tokens(config: LiveConfig) -> int:
    """Estimate the tokens in the context of a fresh session."""
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
    """Decide whether to continue in a fresh session.

    Args:
        policy: The operator's setting.
        context: The context that the next turn of this session is billed for, see ``carried``.
        tokens: The context of a fresh session, see ``seed_tokens``.
        prices: Prices of the model.

    Returns:
        The estimated saving over the next ``HORIZON_TURNS``, or None to keep the session.
    """
    if policy is ContextPolicy.KEEP or context == TokenUsage():
        return None
    each_turn_usd = prices.cost_usd(context) - prices.cost_usd(TokenUsage(text_in=tokens))
    saves_usd = each_turn_usd * HORIZON_TURNS
    if policy is ContextPolicy.AUTO and saves_usd < MIN_SAVING_USD:
        return None
    return saves_usd
