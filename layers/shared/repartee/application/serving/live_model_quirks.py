"""Remembers what a process has found out about its live model."""

from collections import deque
from dataclasses import dataclass, field, replace

from repartee.domain.session.machine import SessionMachine
from repartee.domain.session.settings import SessionSettings
from repartee.domain.users.preferences import Profile

# One process serves far fewer users with a refused preference.
MAX_REFUSED_PREFERENCES = 1_000


@dataclass(slots=True)
class LiveModelQuirks:
    """Findings of a process about its live model, which its next sessions use.

    Attributes:
        refuses_history: Whether the model accepts a history only as text in the instruction.
        refused: The profiles whose preferences the model has refused, the newest last.
    """

    refuses_history: bool = False
    refused: deque[Profile] = field(default_factory=lambda: deque(maxlen=MAX_REFUSED_PREFERENCES))

    def applied_to(self, settings: SessionSettings, profile: Profile) -> SessionSettings:
        """Return the settings for a user's session, adapted to the quirks."""
        return replace(
            settings,
            history_as_text=settings.history_as_text or self.refuses_history,
            without_preferences=profile in self.refused,
        )

    def learn_from(self, machine: SessionMachine) -> bool:
        """Add a machine's findings; return whether it is new that the model refuses histories."""
        is_news = machine.refuses_history and not self.refuses_history
        self.refuses_history |= machine.refuses_history
        refused = machine.refused_preferences
        if refused is not None and refused not in self.refused:
            self.refused.append(refused)
        return is_news
