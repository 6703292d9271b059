"""The policy for a reply that the user speaks over. Change ``POLICY`` for another policy."""

from typing import Protocol

from repartee.domain.session.turns.turn import TurnInProgress

# Where the model takes a sound for speech, it ends its reply at once.
GO_ON = (
    "(A noise interrupted you, and the user has said nothing. Say the rest of your last reply, and "
    "call no tool.)"
)


class BargeInPolicy(Protocol):
    """Decides what ends a reply and what is left of it."""

    def ends_reply(self, turn: TurnInProgress) -> bool:
        """Return whether an interruption by the model, or a goodbye, ends this turn's reply."""

    def cut(self, turn: TurnInProgress, played_ms: int) -> None:
        """Cut the reply; called again when more is known of what was played."""

    def text_after_noise(self) -> str | None:
        """Return what to ask of the model when a mere noise has ended its reply."""


class CutAtPlayback:
    """Ends a reply at once and remembers the words that the user has heard."""

    def ends_reply(self, turn: TurnInProgress) -> bool:
        """Return whether there is a reply that still goes on."""
        return turn.has_reply and not turn.reply.is_cut

    def cut(self, turn: TurnInProgress, played_ms: int) -> None:
        """Keep the words up to ``played_ms``."""
        turn.reply.cut(played_ms)

    def text_after_noise(self) -> str | None:
        """Ask for the rest of the reply."""
        return GO_ON


POLICY: BargeInPolicy = CutAtPlayback()
