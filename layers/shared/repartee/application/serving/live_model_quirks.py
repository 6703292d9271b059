from collections import deque
from dataclasses import dataclass, field, replace

from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.settings import SessionSettings
from repartee.domain.users.preferences import Profile

# Far more than the users that one process serves with a preference that its model refuses.
MAX_REFUSED_PREFERENCES = 1_000


@dataclass(slots=True)
class LiveModelQuirks:
    """What a process has learned about its live model, for the sessions that it serves next.

    Attributes:
        refuses_history: The model takes a history only as text in the instruction.
        refused: Users with the preferences that the model has refused, the newest last.
    """

    refuses_history: bool = False
    refused: deque[Profile] = field(default_factory=lambda: deque(maxlen=MAX_REFUSED_PREFERENCES))

    def applied_to(self, settings: SessionSettings, profile: Profile) -> SessionSettings:
        """Return the settings for a user with what has been learned."""
        return replace(
            settings,
            history_as_text=settings.history_as_text or self.refuses_history,
            without_preferences=profile in self.refused,
        )

    def learn_from(self, machine: SessionMachine) -> bool:
        """Take over what a machine has found out; True when it is news about the model itself."""
        is_news = machine.refuses_history and not self.refuses_history
        self.refuses_history |= machine.refuses_history
        refused = machine.refused_preferences
        if refused is not None and refused not in self.refused:
            self.refused.append(refused)
        return is_news
