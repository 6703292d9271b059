"""Opens the Live sessions, retries after failures, and plans when to leave a session."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal

from repartee.domain.live.model import LiveClosed, LiveConfig, LiveFailure
from repartee.domain.session.model.channel import ModelChannel

# Gemini closes the Live session at its deadline, and a forced rotation needs some time before it.
GO_AWAY_MARGIN_MS = 10_000
# Three failures without a completed turn in between may be temporary, a fourth one is not. A Live
# session that ends on `goAway` counts as a failure, because otherwise a server that sends `goAway`
# at once would make the worker open sessions without end.
MAX_FAILURES = 3
REOPEN_AFTER_MS = 500
# Invalid argument and policy violation.
REFUSAL_CODES = (1007, 1008)
# A refused seed closes the Live session one round trip later. Closes with 1008 after many minutes
# have other causes (google/adk-python#3035).
REFUSED_WITHIN_MS = 10_000
# Set-up takes 0.3 to 1 s, so a Live session that is not open by then will not open.
SETUP_MS = 15_000


@dataclass(slots=True)
class LiveLink:
    """The current Live session of one worker, and the plan for the next one.

    Attributes:
        session_id: The session. It spreads the retries of sessions that are refused together.
        channel: The queue to the live model.
        generation: The number of the Live session. Events of older ones are ignored.
        is_open: Whether the current Live session is set up and takes input.
        has_reacted: Whether the current Live session has shown that it accepted its set-up.
    """

    session_id: str
    channel: ModelChannel = field(default_factory=ModelChannel)
    generation: int = 0
    is_open: bool = False
    has_reacted: bool = False
    _failures: int = 0
    _open_by_ms: int | None = None
    _opened_at_ms: int | None = None
    _reopen_at_ms: int | None = None
    _rotate_by_ms: int | None = None

    def open(self, config: LiveConfig, now_ms: int, saves_usd: Decimal | None = None) -> None:
        """Open another Live session.

        Args:
            config: The set-up.
            now_ms: The present.
            saves_usd: The estimated saving, if the reason is a smaller context.
        """
        self.generation += 1
        self.is_open = self.has_reacted = False
        self._opened_at_ms = None
        self._open_by_ms = now_ms + SETUP_MS
        self._reopen_at_ms = self._rotate_by_ms = None
        self.channel.open(self.generation, config, saves_usd)

    def mark_open(self, now_ms: int) -> None:
        """Note that the current Live session is set up."""
        self.is_open = True
        self._opened_at_ms = now_ms
        self._open_by_ms = None

    def mark_reacted(self) -> None:
        """Note that the current Live session reacts, so it has accepted its set-up."""
        self.has_reacted = True

    @property
    def is_begun(self) -> bool:
        """Return whether the current Live session is open or being set up."""
        return self.is_open or self._open_by_ms is not None

    def is_stuck(self, now_ms: int) -> bool:
        """Return whether the current Live session's set-up has taken too long."""
        return self._open_by_ms is not None and now_ms >= self._open_by_ms

    def reset_failures(self) -> None:
        """Reset the count of failures, because a turn was completed."""
        self._failures = 0

    def plan_rotation(self, time_left_ms: int, now_ms: int) -> None:
        """Plan to leave the current Live session, which Gemini closes in ``time_left_ms``."""
        self._rotate_by_ms = now_ms + max(0, time_left_ms - GO_AWAY_MARGIN_MS)

    def is_refusal(self, closed: LiveClosed, now_ms: int) -> bool:
        """Return whether a close means that the model refused the set-up or the seed."""
        opened_at_ms = now_ms if self._opened_at_ms is None else self._opened_at_ms
        is_early = not self.has_reacted and now_ms < opened_at_ms + REFUSED_WITHIN_MS
        return is_early and closed.code in REFUSAL_CODES

    def plan_replacement(self, now_ms: int) -> None:
        """Plan to replace a refused Live session at once, without counting a failure."""
        self.is_open = False
        self.generation += 1
        self._open_by_ms = self._rotate_by_ms = None
        self._reopen_at_ms = now_ms

    def lose(self, closed: LiveClosed, now_ms: int) -> LiveFailure | None:
        """Note that the Live session is lost, and plan the next one.

        Returns:
            The reason not to open another one; None if another one is planned.
        """
        self.is_open = False
        self._open_by_ms = self._rotate_by_ms = None
        # Later events of the lost Live session must not count as events of the next one.
        self.generation += 1
        self._failures += 1
        if closed.failure is LiveFailure.REFUSED:
            return LiveFailure.REFUSED
        if self._failures > MAX_FAILURES:
            return closed.failure
        self._reopen_at_ms = now_ms + self._pause_ms(closed.failure)
        return None

    def must_reopen(self, now_ms: int) -> bool:
        """Return whether the planned Live session is due."""
        return self._reopen_at_ms is not None and now_ms >= self._reopen_at_ms

    def must_rotate(self, now_ms: int, *, is_between_turns: bool) -> bool:
        """Return whether to leave the current Live session before Gemini closes it."""
        if self._rotate_by_ms is None or not self.is_open:
            return False
        return is_between_turns or now_ms >= self._rotate_by_ms

    def _pause_ms(self, failure: LiveFailure) -> int:
        pause_ms: int = REOPEN_AFTER_MS * 2 ** (self._failures - 1)
        if failure is LiveFailure.BUSY:
            # Sessions that share a quota are refused at the same time. A pause that differs per
            # session keeps them from retrying at the same time.
            digest = hashlib.sha256(f"{self.session_id}/{self._failures}".encode()).digest()
            return pause_ms + pause_ms * digest[0] // 256
        return 0 if self._failures == 1 else pause_ms

    def next_deadline_ms(self) -> int | None:
        """Return when the set-up times out, or the next opening or rotation is due."""
        deadlines = (self._open_by_ms, self._reopen_at_ms, self._rotate_by_ms)
        return min([one for one in deadlines if one is not None], default=None)
