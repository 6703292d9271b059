from dataclasses import dataclass, replace

from repartee.domain.session.settings import SessionSettings


@dataclass(slots=True)
class LiveHabits:
    """What a process has learned about its live model, for the sessions that it serves next.

    Attributes:
        refuses_history: The model takes a history only as text in the instruction.
    """

    refuses_history: bool = False

    def applied_to(self, settings: SessionSettings) -> SessionSettings:
        """Return the settings with what has been learned."""
        return replace(settings, history_as_text=settings.history_as_text or self.refuses_history)
