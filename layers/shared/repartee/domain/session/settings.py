from dataclasses import dataclass, field
from datetime import tzinfo

from repartee.domain.conversation.memory_budget import MemoryBudget
from repartee.domain.cost.limits import DailyLimits
from repartee.domain.cost.prices import Prices
from repartee.domain.live.context_policy import ContextPolicy
from repartee.domain.live.model import ToolDeclaration, TurnDetection
from repartee.domain.live.profiles import LiveModelProfile, profile_of
from repartee.domain.live.prompt import TOOLS
from repartee.domain.protocol.messages import MAX_IN_FLIGHT


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The settings of the operator and the deployment for a session.

    Attributes:
        language: The default, where the user has no preference. BCP 47.
        linger_ms: How long a worker stays without anything to do.
        grace_ms: How long a session without a connection is kept by its worker.
        turns_without_listener: How many turns may begin while a session has no connection.
        max_in_flight: How many messages a client may have out, so how many texts wait for answers.
        history_as_text: A fresh live session gets the past as part of its instruction, because the
            model refuses it as messages.
        without_preferences: The live model has refused this user's preferences as they are, and the
            user knows it.
        memory: How much of the past a fresh live session gets.
        filler_after_ms: How long all are silent during a call before the model says a few words.
        limits: What a user may use in a UTC day, where no own limits are set.
        turn_detection: Which side finds the speech of clients that mark it.
        zone: The time zone of dates in prompts, and its IANA name.
    """

    live_model: str
    voice: str
    language: str
    linger_ms: int
    grace_ms: int
    zone: tzinfo
    zone_name: str
    prices: Prices
    tools: tuple[ToolDeclaration, ...] = TOOLS
    context_policy: ContextPolicy = ContextPolicy.AUTO
    memory: MemoryBudget = field(default_factory=MemoryBudget)
    filler_after_ms: int = 3_500
    history_as_text: bool = False
    without_preferences: bool = False
    limits: DailyLimits = field(default_factory=DailyLimits)
    turn_detection: TurnDetection = TurnDetection.SERVER
    turns_without_listener: int = 3
    max_in_flight: int = MAX_IN_FLIGHT

    @property
    def profile(self) -> LiveModelProfile:
        """How the live model behaves."""
        return profile_of(self.live_model)

    @property
    def blocking_tools(self) -> frozenset[str]:
        """The names of the tools whose answer the model awaits without listening."""
        is_any = not self.profile.takes_non_blocking_tools
        return frozenset(tool.name for tool in self.tools if tool.blocking or is_any)
