"""The context of the Gemini checks: the live model, its configuration and the costs."""

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from ops.smoke.observed_session import ObservedSession, WaitLimits, open_observed_session
from ops.smoke.spending import Spending
from repartee.adapters.personas import load_persona
from repartee.config import DEFAULT_PERSONA, PRICE_LIST
from repartee.domain.conversation.conversation import Conversation, Memory
from repartee.domain.cost.prices import Prices
from repartee.domain.live.model import HistoryEntry, LiveConfig
from repartee.domain.live.model_profiles import LiveModelProfile, profile_of
from repartee.domain.live.persona_prompt import live_persona, tools_of
from repartee.domain.live.prompt import PromptContext, system_instruction
from repartee.domain.users.preferences import Profile
from repartee.ports.live_model import LiveModel


class CheckNotRunError(Exception):
    """A check could not test its assumption; the message gives the reason."""


NEW_USER = Memory(Conversation("smoke", "smoke", "", 0, 0), Profile("smoke"), ())
"""The memory of a user without preferences, in a conversation without turns."""

INSTRUCTION = "You are the voice of a front desk. Answer in one short sentence."

type OpenLive = Callable[[Callable[[str], LiveModelProfile]], LiveModel]
"""Creates a live model; the argument is the function that returns a model's profile."""


@dataclass(frozen=True, slots=True)
class CheckContext:
    """One run of the checks of a live model.

    Attributes:
        open_live: Creates the live model.
        model: The model's name.
        voice: The voice.
        language: BCP 47 tag.
        spending: The costs so far.
        limits: The time limits.
    """

    open_live: OpenLive
    model: str
    voice: str = "Kore"
    language: str = "en-US"
    spending: Spending = field(default_factory=Spending)
    limits: WaitLimits = field(default_factory=WaitLimits)

    @property
    def profile(self) -> LiveModelProfile:
        """The product's profile of the model."""
        return profile_of(self.model)

    @property
    def prices(self) -> Prices:
        """Today's list prices of the model."""
        return prices_of(self.model)

    def config(self, instruction: str = INSTRUCTION) -> LiveConfig:
        """Return a configuration with the product's tools and a short, cheap instruction."""
        tools = tools_of(load_persona(DEFAULT_PERSONA), self.profile)
        return LiveConfig(self.model, self.voice, self.language, instruction, tools)

    def product_config(self, turns: tuple[HistoryEntry, ...] = ()) -> LiveConfig:
        """Return the product's configuration, with ``turns`` in its instruction."""
        when = PromptContext(datetime.now(UTC), "UTC", self.language)
        persona = live_persona(DEFAULT_PERSONA, load_persona(DEFAULT_PERSONA))
        return self.config(system_instruction(persona.instructions, NEW_USER, when, turns))

    @contextlib.asynccontextmanager
    async def open_session(
        self, config: LiveConfig, *, sends_language_code: bool = False
    ) -> AsyncIterator[ObservedSession]:
        """Open a Live session and add its usage to ``spending``.

        Args:
            config: The configuration.
            sends_language_code: Send ``languageCode`` even if the model's profile forbids it.

        Raises:
            LiveSetupFailed: The session was refused, or did not open in time.
        """

        def profiles(model: str) -> LiveModelProfile:
            known = profile_of(model)
            return replace(known, takes_language_code=True) if sends_language_code else known

        async with open_observed_session(self.open_live(profiles), config) as live:
            try:
                yield live
            finally:
                self.spending.add_events(live.events, self.prices)


def prices_of(model: str) -> Prices:
    """Return today's list prices of a model."""
    today: date = datetime.now(UTC).date()
    return PRICE_LIST.quote(model, today).prices


def usd(cost: Decimal) -> str:
    """Return an amount of money for the report."""
    return f"{cost:.4f} USD"
