"""The settings of a session."""

from dataclasses import dataclass, field
from datetime import tzinfo
from decimal import Decimal
from functools import lru_cache

from repartee.domain.conversation.history_budget import MemoryBudget
from repartee.domain.cost.limits import DailyLimits
from repartee.domain.cost.prices import Prices
from repartee.domain.live.context_policy import ContextPolicy
from repartee.domain.live.live_persona import LivePersona
from repartee.domain.live.model import ToolDeclaration, TurnDetection
from repartee.domain.live.model_profiles import LiveModelProfile, profile_of
from repartee.domain.protocol.messages import MAX_IN_FLIGHT


@lru_cache(maxsize=8)
def _profile(live_model: str, languages: tuple[str, ...]) -> LiveModelProfile:
    return profile_of(live_model).speaking(languages)


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The settings of the operator and the deployment for a session.

    Attributes:
        language: The language of users without a preference, as a BCP 47 tag.
        persona: The business that the agent speaks for.
        linger_ms: How long a worker waits for the next input before it leaves.
        grace_ms: How long a worker serves a session without a connection.
        zone: The time zone of dates in prompts.
        zone_name: The IANA name of that zone.
        memory: How much of the conversation a fresh Live session gets.
        tools: The tools that the live model may call.
        filler_after_ms: How long a tool call may run in silence before the model says a few words.
        history_as_text: Whether a fresh Live session gets the history as part of its instruction,
            because the model refuses it as messages.
        without_preferences: Whether the live model has refused this user's current preferences,
            and the user knows it.
        limits: What a user may use in a UTC day, for users without limits in their profile.
        service_cap_usd: What all users together may cost in a UTC day; 0 sets no cap.
        turn_detection: Which side detects the speech of clients that mark it.
        turns_without_listener: How many turns may begin while a session has no connection.
        max_in_flight: How many messages a client may have in flight. It also limits how many texts
            wait for their answers.
        greeting: The words of the agent's greeting, "" if the user speaks first.
    """

    live_model: str
    voice: str
    language: str
    persona: LivePersona
    linger_ms: int
    grace_ms: int
    zone: tzinfo
    zone_name: str
    prices: Prices
    tools: tuple[ToolDeclaration, ...]
    context_policy: ContextPolicy = ContextPolicy.AUTO
    memory: MemoryBudget = field(default_factory=MemoryBudget)
    filler_after_ms: int = 3_500
    history_as_text: bool = False
    without_preferences: bool = False
    limits: DailyLimits = field(default_factory=DailyLimits)
    service_cap_usd: Decimal = Decimal(0)
    turn_detection: TurnDetection = TurnDetection.SERVER
    turns_without_listener: int = 3
    max_in_flight: int = MAX_IN_FLIGHT
    greeting: str = ""

    @property
    def profile(self) -> LiveModelProfile:
        """Return the profile of the live model, with the languages that users may choose."""
        return _profile(self.live_model, self.persona.languages)

    @property
    def blocking_tools(self) -> frozenset[str]:
        """Return the names of the tools during which the model does not take input."""
        is_any = not self.profile.takes_non_blocking_tools
        return frozenset(tool.name for tool in self.tools if tool.blocking or is_any)
