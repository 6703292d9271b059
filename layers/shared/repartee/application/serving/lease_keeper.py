"""Holds a session's lease, and knows when to stop trusting it."""

from dataclasses import dataclass

from repartee.domain.protocol.recent_input import InputTaken
from repartee.ports.runtime import Clock
from repartee.ports.sessions import SessionStore

LEASE_MS = 5_000
RENEW_EVERY_MS = 1_500
# A worker stops itself this long before its lease ends, so that a late write cannot overlap with
# a successor's first.
FENCE_MARGIN_MS = 1_000


@dataclass(slots=True)
class LeaseKeeper:
    """Renews one lease. The fence runs on a monotonic clock, from before each renewal was asked.

    Attributes:
        fenced_at_ms: From here on this worker must neither write nor send; monotonic.
    """

    sessions: SessionStore
    clock: Clock
    session_id: str
    epoch: int
    fenced_at_ms: int

    def is_held(self) -> bool:
        """Tell whether this worker may still write and send."""
        return self.clock.monotonic_ms() < self.fenced_at_ms

    def renew(self, cursor: int, taken: InputTaken | None = None) -> None:
        """Hold the lease for another 5 s.

        Raises:
            LeaseLost: Another worker has it.
            StoreUnavailable: The table did not answer; the lease still stands until the fence.
        """
        asked_at_ms = self.clock.monotonic_ms()
        until_ms = self.clock.now_ms() + LEASE_MS
        self.sessions.renew_lease(
            self.session_id, epoch=self.epoch, until_ms=until_ms, cursor=cursor, taken=taken
        )
        self.fenced_at_ms = asked_at_ms + LEASE_MS - FENCE_MARGIN_MS
