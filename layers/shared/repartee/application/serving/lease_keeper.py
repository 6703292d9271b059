"""Takes and renews a session's lease, and decides until when this worker may write."""

import asyncio
from dataclasses import dataclass

from repartee.application.serving.session_ports import SessionPorts
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.state import Lease
from repartee.ports.runtime import Clock
from repartee.ports.sessions import SessionStore

LEASE_MS = 5_000
RENEW_EVERY_MS = 1_500
# A worker stops this long before its lease ends, so that a late write cannot overlap with the first
# write of its successor.
FENCE_MARGIN_MS = 1_000


@dataclass(slots=True)
class LeaseKeeper:
    """Renews one lease.

    The worker's deadline is measured by a monotonic clock from before each renewal, so that it
    never ends after the lease.

    Attributes:
        fenced_at_ms: The monotonic time from which the worker must neither write nor send.
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
        """Extend the lease to 5 s from now.

        Args:
            cursor: The last input message that no later worker needs.
            taken: The input that is taken so far, None to keep the stored value.

        Raises:
            LeaseLost: Another worker has the lease.
            StoreUnavailable: The table did not answer; the lease stays valid until
                ``fenced_at_ms``.
        """
        asked_at_ms = self.clock.monotonic_ms()
        until_ms = self.clock.now_ms() + LEASE_MS
        self.sessions.renew_lease(
            self.session_id, epoch=self.epoch, until_ms=until_ms, cursor=cursor, taken=taken
        )
        self.fenced_at_ms = asked_at_ms + LEASE_MS - FENCE_MARGIN_MS


async def take_lease(session_id: str, ports: SessionPorts) -> tuple[Lease, LeaseKeeper] | None:
    """Take the session's lease; return None if it is held, or if the session has ended.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
    """
    asked_at_ms = ports.clock.monotonic_ms()
    now_ms = ports.clock.now_ms()
    lease = await asyncio.to_thread(
        ports.sessions.acquire_lease,
        session_id,
        owner=ports.ids.new_id(now_ms),
        now_ms=now_ms,
        until_ms=now_ms + LEASE_MS,
    )
    if lease is None:
        return None
    fenced_at_ms = asked_at_ms + LEASE_MS - FENCE_MARGIN_MS
    keeper = LeaseKeeper(ports.sessions, ports.clock, session_id, lease.state.epoch, fenced_at_ms)
    return lease, keeper
