from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import (
    attempt_from,
    exchange_attributes,
    exchange_from,
)
from repartee.adapters.dynamodb.expiry import is_kept
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.retries import (
    ConditionFailed,
    TransactionRefused,
)
from repartee.adapters.dynamodb.sessions.items import number, text
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.adapters.dynamodb.write_conditions import while_epoch_holds
from repartee.domain.errors import ClaimLost, LeaseLost
from repartee.domain.tools.core_calls import Attempt, BegunTool, CoreRequest, Exchange, ToolCallKey
from repartee.domain.users.retention import Retention
from repartee.ports.answers import ToolCallClaim
from repartee.ports.runtime import Clock

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from repartee.adapters.dynamodb.keys import Item

_CLAIM_IS_MINE = "attribute_exists(claimed_until_ms) AND arguments_hash = :hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoToolCallStore:
    """Keeps core_agent's calls in MemoryTable: a claim first, the exchange once it is finished."""

    session_table: DynamoTable
    memory: DynamoTable
    clock: Clock
    retention: Retention

    def claim(
        self, request: CoreRequest, *, now_ms: int, until_ms: int
    ) -> Exchange | ToolCallClaim:
        """Claim the call's key before any model runs.

        Raises:
            LeaseLost: The session's epoch has moved on from the request's.
        """
        # Most calls are the first at their place and need this transaction only.
        fresh = self._claimed(request, until_ms, "attribute_not_exists(pk)")
        refused = self._transact(request, [fresh])
        if refused is None:
            return ToolCallClaim.CLAIMED
        stored = refused.item(0)
        if stored is None:
            return ToolCallClaim.RUNNING
        exchange = exchange_from(stored)
        is_same = text(stored, "arguments_hash") == request.arguments_hash
        if exchange is not None and is_same:
            return exchange
        if not is_same and (earlier := self._replaced(request)) is not None:
            return earlier
        if exchange is not None:
            return self._claim_finished(request, stored, until_ms)
        has_ended = _run_of(stored) == request.ended_run_id
        if number(stored, "claimed_until_ms") > now_ms and not has_ended:
            return ToolCallClaim.RUNNING
        return self._claim_dead(request, stored, until_ms)

    def _claim_dead(self, request: CoreRequest, stored: "Item", until_ms: int) -> ToolCallClaim:
        # The tools that the dead run began stay stored.
        values = {f":{name}": one for name, one in _claim_values(request, until_ms).items()}
        seen: Item = {":seen": stored["claimed_until_ms"], ":seen_run": {"S": _run_of(stored)}}
        update: TransactWriteItemTypeDef = {
            "Update": {
                "TableName": self.memory.name,
                "Key": keys.call(request.conversation_id, request.key),
                "UpdateExpression": (
                    "SET claimed_until_ms = :claimed_until_ms, "
                    "arguments_hash = :arguments_hash, question = :question, run_id = :run_id"
                ),
                # Two claims may end at the same moment, but no two runs have the same id.
                "ConditionExpression": (
                    "claimed_until_ms = :seen AND "
                    "(run_id = :seen_run OR attribute_not_exists(run_id))"
                ),
                "ExpressionAttributeValues": {**encode_all(values), **seen},
            }
        }
        lost = self._transact(request, [update])
        return ToolCallClaim.CLAIMED_AGAIN if lost is None else ToolCallClaim.RUNNING

    def _claim_finished(self, request: CoreRequest, stored: "Item", until_ms: int) -> ToolCallClaim:
        """Move the exchange of another question to its own key and claim the place."""
        replaced = keys.replaced_call(
            request.conversation_id, request.key, stored["arguments_hash"]["S"]
        )
        put_aside: TransactWriteItemTypeDef = {
            "Put": {"TableName": self.memory.name, "Item": {**stored, **replaced}}
        }
        claimed = self._claimed(
            request, until_ms, "arguments_hash = :stored AND attribute_exists(finished_at_ms)"
        )
        claimed["Put"]["ExpressionAttributeValues"] = {":stored": stored["arguments_hash"]}
        lost = self._transact(request, [claimed, put_aside])
        return ToolCallClaim.CLAIMED_AGAIN if lost is None else ToolCallClaim.RUNNING

    def _replaced(self, request: CoreRequest) -> Exchange | None:
        key = keys.replaced_call(request.conversation_id, request.key, request.arguments_hash)
        item = self.memory.get(key)
        return exchange_from(item) if item is not None else None

    def _claimed(
        self, request: CoreRequest, until_ms: int, condition: str
    ) -> "TransactWriteItemTypeDef":
        item = {
            **keys.call(request.conversation_id, request.key),
            **encode_all(_claim_values(request, until_ms)),
            **encode_all({"expires_at": self.retention.ends_at_s(until_ms)}),
        }
        return {
            "Put": {
                "TableName": self.memory.name,
                "Item": item,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                "ConditionExpression": condition,
            }
        }

    def _transact(
        self, request: CoreRequest, writes: "list[TransactWriteItemTypeDef]"
    ) -> TransactionRefused | None:
        """Write, if the request's worker still has the lease; return a refusal of ``writes``."""
        mine = while_epoch_holds(self.session_table, request.session_id, request.epoch)
        try:
            self.memory.transact([*writes, mine])
        except TransactionRefused as refused:
            if refused.failed(len(writes)):
                raise LeaseLost(request.session_id) from None
            return refused
        return None

    def attempts(self, conversation_id: str, turn: int) -> Sequence[Attempt]:
        """Return the questions of a turn and the tools that they began, oldest place first."""
        first, last = keys.calls_of_turn(turn)
        items = self.memory.query(keys.conversation(conversation_id), first=first, last=last)
        return [attempt_from(item) for item in items]

    def begin_tool(
        self, conversation_id: str, key: ToolCallKey, arguments_hash: str, tool: BegunTool
    ) -> None:
        """Record that the claimed call is about to run a tool that may change something.

        Raises:
            ClaimLost: Another run has the claim, or it is deleted; the tool must not run.
        """
        begun: Value = [{"name": tool.name, "arguments_json": tool.arguments_json}]
        try:
            self.memory.update(
                keys.call(conversation_id, key),
                "SET begun = list_append(if_not_exists(begun, :none), :tool)",
                encode_all({":none": [], ":tool": begun, ":hash": arguments_hash}),
                condition=_CLAIM_IS_MINE,
                returns="NONE",
            )
        except ConditionFailed:
            raise ClaimLost(str(key)) from None

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        """Store the answer under the claimed key; a second answer for a key is dropped.

        An answer is also dropped if its claim was erased, or is for another question now.

        Raises:
            ItemTooLarge: The exchange is larger than an item may be; nothing is written.
        """
        key = keys.call(conversation_id, exchange.key)
        attributes = exchange_attributes(exchange)
        check_size({**key, **attributes})
        names = {f"#{name}": name for name in attributes}
        changes = ", ".join(f"#{name} = :{name}" for name in attributes)
        values = {f":{name}": value for name, value in attributes.items()}
        try:
            self.memory.update(
                key,
                f"SET {changes} REMOVE claimed_until_ms, run_id",
                {**values, **encode_all({":hash": exchange.arguments_hash})},
                condition=_CLAIM_IS_MINE,
                names=names,
                returns="NONE",
            )
        except ConditionFailed:
            return

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        """Return the last finished exchanges, oldest first."""
        if limit <= 0:
            return []
        items = self.memory.query(
            keys.conversation(conversation_id),
            first=keys.CALL_PREFIX,
            last=keys.CALLS_END,
            backwards=True,
            page_size=limit,
        )
        now_ms = self.clock.now_ms()
        finished = (
            exchange
            for item in items
            if is_kept(item, now_ms) and (exchange := exchange_from(item)) is not None
        )
        last = islice(finished, limit)
        # In key order, a replaced exchange comes after the one that took its place.
        return sorted(last, key=lambda one: (one.key.turn, one.key.index, one.finished_at_ms))


def _claim_values(request: CoreRequest, until_ms: int) -> dict[str, Value]:
    return {
        "claimed_until_ms": until_ms,
        "arguments_hash": request.arguments_hash,
        "question": request.question,
        "run_id": request.run_id,
    }


def _run_of(stored: "Item") -> str:
    # A claim of an older version has no run id. Its run is dead.
    return text(stored, "run_id") or ""
