"""Holds a session's lease and knows when this worker must stop."""

from dataclasses import dataclass

from repartee.domain.protocol.recent_input import InputTaken
from repartee.ports.runtime import Clock
from repartee.ports.sessions import SessionStore

LEASE_MS = 5_000
RENEW_EVERY_MS = 1_500
# A worker stops this long before its lease ends, so that a late write cannot overlap with the first
# write of its successor.
FENCE_MARGIN_MS = 1_000


@dataclass(slots=True)
class LeaseKeeper:
    """Renews one lease. The fence is on a monotonic clock and counts from before each renewal.

    Attributes:
        fenced_at_ms: From this time on, the worker must neither write nor send; monotonic.
    """

    sessions: SessionStore
    clock: Clock
    session_id: str
    epoch: int
    fenced_at_ms: int

    def is_held(self) -> bool:
        """Return whether this worker may still write and send."""
        return self.clock.monotonic_ms() < self.fenced_at_ms

    def renew(self, cursor: int, taken: InputTaken | None = None) -> None:
        """Hold the lease for another 5 s.

        Raises:
            LeaseLost: Another worker has it.
            StoreUnavailable: The table did not answer; the lease is held until the fence.
        """
        asked_at_ms = self.clock.monotonic_ms()
        until_ms = self.clock.now_ms() + LEASE_MS
        self.sessions.renew_lease(
            self.session_id, epoch=self.epoch, until_ms=until_ms, cursor=cursor, taken=taken
        )
        self.fenced_at_ms = asked_at_ms + LEASE_MS - FENCE_MARGIN_MS
