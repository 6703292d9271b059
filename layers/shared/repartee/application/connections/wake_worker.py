"""Wakes a worker for a session that has none."""

from dataclasses import dataclass

from repartee.application.connections.client_answers import ClientAnswers, Trouble
from repartee.domain.errors import StoreUnavailable
from repartee.domain.protocol.ticket import ConnectionIdentity
from repartee.domain.session.state import SessionState
from repartee.domain.tracing.turn_spans import wake_context
from repartee.ports.runtime import Clock
from repartee.ports.sessions import SessionStore
from repartee.ports.workers import WakeRequest, WorkerPool

# The next wake is possible when the window of the last election has ended (SessionStore).
WAKE_RETRY_MS = 3_000


@dataclass(slots=True)
class Waker:
    """Makes sure that a worker reads one message.

    Attributes:
        woke: Whether a worker was requested.
    """

    _sessions: SessionStore
    _workers: WorkerPool
    _clock: Clock
    _caller: ConnectionIdentity
    _answers: ClientAnswers
    _traced: bool = False
    woke: bool = False

    def is_served(self, state: SessionState) -> bool:
        """Return whether a worker serves the session and is not about to lose its lease."""
        now_ms = self._clock.now_ms()
        return state.is_lease_held(now_ms) and not state.is_lease_expiring(now_ms)

    def wake(self) -> None:
        """Request a worker, unless another message has just requested one."""
        caller = self._caller
        now_ms = self._clock.now_ms()
        try:
            election = self._sessions.elect_waker(caller.session_id, now_ms)
            if election.won:
                self._workers.wake(
                    WakeRequest(
                        session_id=caller.session_id,
                        user_id=caller.user_id,
                        conversation_id=caller.conversation_id,
                        woken_at_ms=now_ms,
                        traceparent=self._traceparent(now_ms),
                    )
                )
                self.woke = True
                # The session may have been erased since its state was read, and the election has
                # just written an item for it. This read comes last so that no wake waits for it.
                state = self._sessions.load(caller.session_id)
                if state is None or state.ended:
                    self._sessions.forget_wake(caller.session_id)
        except StoreUnavailable:
            self._answers.busy(Trouble.WAKE_FAILED, WAKE_RETRY_MS)
            return
        if election.unserved_since_ms is not None:
            self._answers.busy(Trouble.WAKE_UNSERVED, WAKE_RETRY_MS)

    def _traceparent(self, now_ms: int) -> str:
        is_traced, session_id = self._traced, self._caller.session_id
        return wake_context(session_id, now_ms).traceparent if is_traced else ""
