"""Checks how many sessions a user has open, and finds the dead ones."""

from dataclasses import dataclass

from repartee.domain.errors import ClientTooSlow, ReparteeError, StoreUnavailable
from repartee.domain.session.state import ActiveSession
from repartee.ports.clients import ClientChannel
from repartee.ports.runtime import Clock
from repartee.ports.sessions import ConnectionStore, SessionStore

# API Gateway closes a WebSocket connection that is idle for 10 min (its quotas page).
IDLE_CONNECTION_MS = 600_000
# The time limit of $connect. The connection does not exist before its answer.
CONNECTING_MS = 10_000


class TooManySessions(ReparteeError):
    """The user has as many open sessions as allowed.

    Attributes:
        limit: The number of sessions that are allowed.
        retry_after_s: When the first of them may end, unless the user ends one earlier.
    """

    def __init__(self, limit: int, retry_after_s: int):
        super().__init__("too many sessions")
        self.limit = limit
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCap:
    """Counts a user's open sessions, without sessions whose client has gone.

    A ``$disconnect`` can get lost. At the cap, API Gateway is asked which connections still exist.
    A session whose connection is gone stops counting: at once, or after ``grace_ms`` if it has a
    worker.

    Attributes:
        max_sessions: How many sessions a user may have open.
        grace_ms: How long a worker waits for a client that has gone.
    """

    connections: ConnectionStore
    sessions: SessionStore
    channel: ClientChannel
    clock: Clock
    max_sessions: int
    grace_ms: int

    def check(self, user_id: str, exempt_session_id: str | None) -> None:
        """Return if the user may open one more session; ``exempt_session_id`` does not count.

        Raises:
            TooManySessions: The cap is reached.
            StoreUnavailable: A table failed beyond the retries.
        """
        now_ms = self.clock.now_ms()
        active = self.connections.active_sessions(user_id, now_ms=now_ms)
        others = {name: one for name, one in active.items() if name != exempt_session_id}
        if len(others) < self.max_sessions:
            return
        ends_ms = [self._ends_ms(user_id, name, one, now_ms) for name, one in others.items()]
        open_ends_ms = sorted(end_ms for end_ms in ends_ms if end_ms > now_ms)
        if len(open_ends_ms) >= self.max_sessions:
            ends_next_ms = open_ends_ms[len(open_ends_ms) - self.max_sessions]
            raise TooManySessions(self.max_sessions, -(-(ends_next_ms - now_ms) // 1000))

    def _ends_ms(self, user_id: str, session_id: str, active: ActiveSession, now_ms: int) -> int:
        """Return when a session may no longer count; let it expire if its client has gone."""
        state = self.sessions.load(session_id)
        if state is None or state.ended:
            self.connections.end_session(user_id, session_id)
            return now_ms
        try:
            last_active_ms = self.channel.last_active_ms(active.connection_id)
        except (ClientTooSlow, StoreUnavailable):
            return active.expires_at_ms
        if last_active_ms is not None:
            idle_until_ms = max(last_active_ms + IDLE_CONNECTION_MS, now_ms + 1_000)
            return min(active.expires_at_ms, idle_until_ms)
        if now_ms < active.opened_at_ms + CONNECTING_MS:
            return active.opened_at_ms + CONNECTING_MS
        wait_ms = self.grace_ms if state.is_lease_held(now_ms) else 0
        self.connections.set_session_expiry(
            user_id,
            session_id,
            connection_id=active.connection_id,
            expires_at_ms=now_ms + wait_ms,
        )
        return min(active.expires_at_ms, now_ms + wait_ms)
