from collections.abc import Sequence

from repartee.domain.errors import ClaimLost, ItemTooLarge, LeaseLost
from repartee.domain.tools.core_calls import Attempt, BegunTool, CoreRequest, Exchange, ToolCallKey
from repartee.ports.answers import ToolCallClaim
from tests.fakes.tables import FakeTables, StoredToolCall

# About the size that the item limit leaves for messages, the only large attribute.
_MAX_MESSAGES_BYTES = 300_000


class FakeToolCallStore:
    """Calls in memory."""

    def __init__(self, tables: FakeTables) -> None:
        self._tables = tables

    def claim(
        self, request: CoreRequest, *, now_ms: int, until_ms: int
    ) -> Exchange | ToolCallClaim:
        with self._tables.lock:
            state = self._tables.states.get(request.session_id)
            if state is None or state.epoch != request.epoch:
                raise LeaseLost(request.session_id)
            calls = self._tables.calls.setdefault(request.conversation_id, {})
            kept = calls.get((request.key, ""))
            mine = StoredToolCall(
                request.arguments_hash, request.question, until_ms, run_id=request.run_id
            )
            if kept is None:
                calls[request.key, ""] = mine
                self._expire(request, until_ms)
                return ToolCallClaim.CLAIMED
            if kept.arguments_hash != request.arguments_hash:
                replaced = calls.get((request.key, request.arguments_hash[:16]))
                if replaced is not None and replaced.exchange is not None:
                    return replaced.exchange
            elif kept.exchange is not None:
                return kept.exchange
            if kept.exchange is not None:
                calls[request.key, kept.arguments_hash[:16]] = kept
            elif kept.until_ms > now_ms and request.ended_run_id != kept.run_id:
                return ToolCallClaim.RUNNING
            else:
                mine.begun = kept.begun
            calls[request.key, ""] = mine
            self._expire(request, until_ms)
            return ToolCallClaim.CLAIMED_AGAIN

    def _expire(self, request: CoreRequest, until_ms: int) -> None:
        place = ("call", request.conversation_id, request.key)
        self._tables.expire(place, self._tables.retention.ends_at_s(until_ms))

    def attempts(self, conversation_id: str, turn: int) -> Sequence[Attempt]:
        with self._tables.lock:
            calls = self._tables.calls.get(conversation_id, {})
            places = sorted(calls, key=lambda place: (place[0].turn, place[0].index, place[1]))
            return [calls[place].attempt() for place in places if place[0].turn == turn]

    def begin_tool(
        self, conversation_id: str, key: ToolCallKey, arguments_hash: str, tool: BegunTool
    ) -> None:
        with self._tables.lock:
            self._claimed(conversation_id, key, arguments_hash).begun.append(tool)

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        size_bytes = len(exchange.messages_json.encode())
        if size_bytes > _MAX_MESSAGES_BYTES:
            raise ItemTooLarge("messages_json", size_bytes, _MAX_MESSAGES_BYTES)
        with self._tables.lock:
            try:
                kept = self._claimed(conversation_id, exchange.key, exchange.arguments_hash)
            except ClaimLost:
                return
            kept.exchange = exchange
            kept.question = exchange.question

    def _claimed(
        self, conversation_id: str, key: ToolCallKey, arguments_hash: str
    ) -> StoredToolCall:
        kept = self._tables.calls.get(conversation_id, {}).get((key, ""))
        if kept is None or kept.exchange is not None or kept.arguments_hash != arguments_hash:
            raise ClaimLost(str(key))
        return kept

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        with self._tables.lock:
            calls = self._tables.calls.get(conversation_id, {})
            places = sorted(calls, key=lambda place: (place[0].turn, place[0].index, place[1]))
            done = [
                calls[place].exchange
                for place in places
                if self._tables.is_kept("call", conversation_id, place[0])
            ]
        last = [exchange for exchange in done if exchange is not None]
        return sorted(
            last[max(0, len(last) - limit) :],
            key=lambda one: (one.key.turn, one.key.index, one.finished_at_ms),
        )
