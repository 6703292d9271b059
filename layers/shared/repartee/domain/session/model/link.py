"""The tie to the live model: when it is open, when to try again, and when to leave in time."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal

from repartee.domain.live.model import LiveClosed, LiveConfig, LiveFailure
from repartee.domain.session.model.channel import ModelChannel

# The model's server closes for certain at its deadline; a forced rotation needs some of that time.
GO_AWAY_MARGIN_MS = 10_000
# Three failures without a completed turn between them: this is no passing fault. A session that its
# server sends away counts as one, or a server that does so at once would keep us opening sessions.
MAX_FAILURES = 3
REOPEN_AFTER_MS = 500
# Invalid argument and policy violation.
REFUSAL_CODES = (1007, 1008)
# A refused seed closes the session one round trip later. Closes with 1008 after many minutes have
# been reported too (google/adk-python#3035); they have other causes.
REFUSED_WITHIN_MS = 10_000
# Set-up takes 0.3 to 1 s; who has heard nothing by then will hear nothing.
SETUP_MS = 15_000


@dataclass(slots=True)
class LiveLink:
    """One worker's live sessions, one after the other.

    Attributes:
        session_id: Spreads the retries of sessions that are refused together.
        channel: The way to the current one.
        generation: Counts them; what an older one still says is ignored.
        is_open: The current one is set up and takes input.
        has_reacted: The current one has done anything that shows that it took its set-up.
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
        """Begin another live session."""
        self.generation += 1
        self.is_open = self.has_reacted = False
        self._opened_at_ms = None
        self._open_by_ms = now_ms + SETUP_MS
        self._reopen_at_ms = self._rotate_by_ms = None
        self.channel.open(self.generation, config, saves_usd)

    def mark_open(self, now_ms: int) -> None:
        """Note that the current session is set up."""
        self.is_open = True
        self._opened_at_ms = now_ms
        self._open_by_ms = None

    def mark_reacted(self) -> None:
        """Note that the current session reacts, so it has taken its set-up."""
        self.has_reacted = True

    @property
    def is_begun(self) -> bool:
        """Return whether the current session is open or being set up."""
        return self.is_open or self._open_by_ms is not None

    def is_stuck(self, now_ms: int) -> bool:
        """Return whether the current session's set-up has taken too long."""
        return self._open_by_ms is not None and now_ms >= self._open_by_ms

    def reset_failures(self) -> None:
        """Note that a turn came to its end, so the model works."""
        self._failures = 0

    def plan_rotation(self, time_left_ms: int, now_ms: int) -> None:
        """Plan to leave before the model's server closes in ``time_left_ms``."""
        self._rotate_by_ms = now_ms + max(0, time_left_ms - GO_AWAY_MARGIN_MS)

    def is_refusal(self, closed: LiveClosed, now_ms: int) -> bool:
        """Return whether the model closes the current session because of its set-up or its seed."""
        opened_at_ms = now_ms if self._opened_at_ms is None else self._opened_at_ms
        is_early = not self.has_reacted and now_ms < opened_at_ms + REFUSED_WITHIN_MS
        return is_early and closed.code in REFUSAL_CODES

    def plan_replacement(self, now_ms: int) -> None:
        """Plan another session at once in place of one that was refused; that is no failure."""
        self.is_open = False
        self.generation += 1
        self._open_by_ms = self._rotate_by_ms = None
        self._reopen_at_ms = now_ms

    def lose(self, closed: LiveClosed, now_ms: int) -> LiveFailure | None:
        """Note that the live session is gone and plan the next one.

        Returns:
            Why there will be no next one; None when there will.
        """
        self.is_open = False
        self._open_by_ms = self._rotate_by_ms = None
        # Whatever it still says is not its successor's word.
        self.generation += 1
        self._failures += 1
        if closed.failure is LiveFailure.REFUSED:
            return LiveFailure.REFUSED
        if self._failures > MAX_FAILURES:
            return closed.failure
        self._reopen_at_ms = now_ms + self._pause_ms(closed.failure)
        return None

    def must_reopen(self, now_ms: int) -> bool:
        """Return whether the planned next live session is due."""
        return self._reopen_at_ms is not None and now_ms >= self._reopen_at_ms

    def must_rotate(self, now_ms: int, *, is_between_turns: bool) -> bool:
        """Return whether to leave the current live session before its server closes it."""
        if self._rotate_by_ms is None or not self.is_open:
            return False
        return is_between_turns or now_ms >= self._rotate_by_ms

    def _pause_ms(self, failure: LiveFailure) -> int:
        pause_ms: int = REOPEN_AFTER_MS * 2 ** (self._failures - 1)
        if failure is LiveFailure.BUSY:
            # All who share a quota are refused at once; together they would be refused again.
            digest = hashlib.sha256(f"{self.session_id}/{self._failures}".encode()).digest()
            return pause_ms + pause_ms * digest[0] // 256
        return 0 if self._failures == 1 else pause_ms

    def next_deadline_ms(self) -> int | None:
        """Return when one of these may become true by time alone."""
        deadlines = (self._open_by_ms, self._reopen_at_ms, self._rotate_by_ms)
        return min([one for one in deadlines if one is not None], default=None)
