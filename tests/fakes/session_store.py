from dataclasses import replace

from repartee.domain.errors import LeaseLost
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.state import (
    Connected,
    HelloOutcome,
    Lease,
    SessionState,
    UndeliveredTurn,
    WakeElection,
)
from tests.fakes.tables import FakeTables

_WAKE_WINDOW_MS = 3_000


class FakeSessionStore:
    """Session states in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables
        self._takeovers: dict[tuple[str, int], int] = {}

    def load(self, session_id: str) -> SessionState | None:
        with self._tables.lock:
            return self._tables.states.get(session_id)

    def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
        with self._tables.lock:
            last = self._tables.wakes.get(session_id)
            if last is not None and last > now_ms - _WAKE_WINDOW_MS:
                return WakeElection(won=False)
            self._tables.wakes[session_id] = now_ms
            return WakeElection(won=True, unserved_since_ms=last)

    def forget_wake(self, session_id: str) -> None:
        with self._tables.lock:
            self._tables.wakes.pop(session_id, None)

    def acquire_lease(
        self, session_id: str, *, owner: str, now_ms: int, until_ms: int
    ) -> Lease | None:
        with self._tables.lock:
            state = self._tables.states.get(session_id)
            if state is None or state.ended:
                return None
            if state.is_lease_held(now_ms):
                if (state.owner, state.lease_until_ms) != (owner, until_ms):
                    return None
                previous_until_ms = self._takeovers[session_id, state.epoch]
                return Lease(state, until_ms, bool(previous_until_ms), now_ms, previous_until_ms)
            taken = replace(state, owner=owner, lease_until_ms=until_ms, epoch=state.epoch + 1)
            self._tables.states[session_id] = taken
            self._tables.wakes.pop(session_id, None)
            previous_until_ms = 0 if state.owner is None else state.lease_until_ms
            self._takeovers[session_id, taken.epoch] = previous_until_ms
            return Lease(taken, until_ms, state.owner is not None, now_ms, previous_until_ms)

    def _mine(self, session_id: str, epoch: int) -> SessionState:
        state = self._tables.states.get(session_id)
        if state is None or state.epoch != epoch:
            raise LeaseLost(session_id)
        return state

    def accept_hello(self, session_id: str, connection: Connected) -> HelloOutcome | None:
        with self._tables.lock:
            state = self._tables.states.get(session_id)
            if state is None:
                return None
            kept = state.newest_hello
            if not state.ended and (kept is None or kept < connection):
                self._tables.replaced[session_id] = kept.connection_id if kept else ""
                state = self._tables.states[session_id] = replace(state, newest_hello=connection)
            return HelloOutcome(state, self._tables.replaced.get(session_id) or None)

    def renew_lease(
        self,
        session_id: str,
        *,
        epoch: int,
        until_ms: int,
        cursor: int,
        taken: InputTaken | None = None,
    ) -> None:
        with self._tables.lock:
            state = self._mine(session_id, epoch)
            self._tables.states[session_id] = replace(
                _at(state, cursor, taken), lease_until_ms=until_ms
            )

    def set_connection(
        self,
        session_id: str,
        *,
        epoch: int,
        connection_id: str | None,
        marks_speech: bool = False,
        features: tuple[str, ...] = (),
    ) -> None:
        with self._tables.lock:
            state = self._mine(session_id, epoch)
            if connection_id is None:
                marks_speech, features = state.marks_speech, state.features
            self._tables.states[session_id] = replace(
                state, connection_id=connection_id, marks_speech=marks_speech, features=features
            )

    def set_undelivered(
        self, session_id: str, *, epoch: int, turns: tuple[UndeliveredTurn, ...]
    ) -> None:
        with self._tables.lock:
            state = self._mine(session_id, epoch)
            self._tables.states[session_id] = replace(state, undelivered=turns)

    def end_greeting(self, session_id: str, *, epoch: int) -> None:
        with self._tables.lock:
            state = self._mine(session_id, epoch)
            self._tables.states[session_id] = replace(state, is_greeting_over=True)

    def release_lease(
        self,
        session_id: str,
        *,
        epoch: int,
        cursor: int,
        ended: bool,
        taken: InputTaken | None = None,
    ) -> None:
        with self._tables.lock:
            state = self._mine(session_id, epoch)
            self._tables.wakes.pop(session_id, None)
            self._tables.states[session_id] = replace(
                _at(state, cursor, taken),
                owner=None,
                lease_until_ms=0,
                ended=ended or state.ended,
            )


def _at(state: SessionState, cursor: int, taken: InputTaken | None) -> SessionState:
    if cursor < state.cursor:
        return state
    return replace(state, cursor=cursor, taken=taken or state.taken)
