from collections.abc import Sequence

from repartee.domain.calls import CallKey, CoreRequest, Exchange
from repartee.domain.errors import LeaseLost
from repartee.ports.call_store import CallClaim
from tests.fakes.tables import FakeTables, RunningCall


class FakeCallStore:
    """Calls in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def claim(self, request: CoreRequest, *, now_ms: int, until_ms: int) -> Exchange | CallClaim:
        with self._tables.lock:
            state = self._tables.states.get(request.session_id)
            if state is None or state.epoch != request.epoch:
                raise LeaseLost(request.session_id)
            calls = self._tables.calls.setdefault(request.conversation_id, {})
            kept = calls.get(request.key)
            if isinstance(kept, Exchange):
                return kept
            if kept is not None and kept.until_ms > now_ms:
                return CallClaim.RUNNING
            calls[request.key] = RunningCall(until_ms)
            return CallClaim.CLAIMED

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        with self._tables.lock:
            calls = self._tables.calls.get(conversation_id, {})
            if isinstance(calls.get(exchange.key), RunningCall):
                calls[exchange.key] = exchange

    def load(self, conversation_id: str, key: CallKey) -> Exchange | None:
        with self._tables.lock:
            kept = self._tables.calls.get(conversation_id, {}).get(key)
            return kept if isinstance(kept, Exchange) else None

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        with self._tables.lock:
            calls = self._tables.calls.get(conversation_id, {})
            done = [kept for kept in calls.values() if isinstance(kept, Exchange)]
        done.sort(key=lambda exchange: (exchange.key.turn, exchange.key.index))
        return done[max(0, len(done) - limit) :]
