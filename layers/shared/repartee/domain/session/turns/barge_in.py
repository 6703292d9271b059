"""Decides what happens to a reply that the user interrupts. ``POLICY`` names the policy in use."""

from typing import Protocol

from repartee.domain.session.turns.turn import TurnInProgress

# The model also ends its reply if it mistakes a noise for speech.
GO_ON = (
    "(A noise interrupted you, and the user has said nothing. Say the rest of your last reply, and "
    "call no tool.)"
)


class BargeInPolicy(Protocol):
    """Decides what ends a reply and how much of it is remembered."""

    def ends_reply(self, turn: TurnInProgress) -> bool:
        """Return whether an interruption by the model, or a goodbye, ends this turn's reply."""

    def cut(self, turn: TurnInProgress, played_ms: int) -> None:
        """Cut the reply; called again when the client reports how much it played."""

    def text_after_noise(self) -> str | None:
        """Return a cue for the model after a noise ended its reply, None for no cue."""


class CutAtPlayback:
    """Ends a reply at once and remembers the words that the user has heard."""

    def ends_reply(self, turn: TurnInProgress) -> bool:
        """Return whether there is a reply that is not cut yet."""
        return turn.has_reply and not turn.reply.is_cut

    def cut(self, turn: TurnInProgress, played_ms: int) -> None:
        """Keep the words up to ``played_ms``."""
        turn.reply.cut(played_ms)

    def text_after_noise(self) -> str | None:
        """Return a cue that asks for the rest of the reply."""
        return GO_ON


POLICY: BargeInPolicy = CutAtPlayback()
