from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversation_items import exchange_attributes, exchange_from
from repartee.adapters.dynamodb.reads import get, query
from repartee.adapters.dynamodb.retries import (
    Backoff,
    ConditionFailed,
    TransactionRefused,
    transact,
    write_one,
)
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.calls import CallKey, CoreRequest, Exchange
from repartee.domain.errors import LeaseLost
from repartee.ports.call_store import CallClaim

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# Places in a claim's transaction.
_CALL, _STATE = range(2)


class DynamoCallStore:
    """Keeps core_agent's calls in MemoryTable: a claim first, the exchange once it is finished."""

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        live_table: str,
        memory_table: str,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._live = live_table
        self._memory = memory_table
        self._backoff = backoff or Backoff()

    def claim(self, request: CoreRequest, *, now_ms: int, until_ms: int) -> Exchange | CallClaim:
        """Claim the call's key before any model runs.

        Raises:
            LeaseLost: The request's epoch is not the session's any more.
        """
        key = keys.call(request.conversation_id, request.key)
        try:
            transact(
                self._client,
                [
                    {
                        "Put": {
                            "TableName": self._memory,
                            "Item": {**key, **encode_all({"claimed_until_ms": until_ms})},
                            "ConditionExpression": (
                                "attribute_not_exists(pk) OR claimed_until_ms <= :now"
                            ),
                            "ExpressionAttributeValues": encode_all({":now": now_ms}),
                            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                        }
                    },
                    {
                        "ConditionCheck": {
                            "TableName": self._live,
                            "Key": keys.state(request.session_id),
                            "ConditionExpression": "epoch = :mine",
                            "ExpressionAttributeValues": encode_all({":mine": request.epoch}),
                        }
                    },
                ],
                backoff=self._backoff,
            )
        except TransactionRefused as refused:
            if refused.failed(_STATE):
                raise LeaseLost(request.session_id) from None
            stored = refused.item(_CALL)
            exchange = exchange_from(stored) if stored is not None else None
            return exchange or CallClaim.RUNNING
        return CallClaim.CLAIMED

    def finish(self, conversation_id: str, exchange: Exchange) -> None:
        """Store the answer under the claimed key; a second answer for a key is dropped.

        So is an answer whose claim is gone, as after an erasure.
        """
        try:
            # A duplicate that asks for the claim again and again is such a transaction.
            write_one(
                lambda: self._client.put_item(
                    TableName=self._memory,
                    Item={
                        **keys.call(conversation_id, exchange.key),
                        **exchange_attributes(exchange),
                    },
                    ConditionExpression="attribute_exists(claimed_until_ms)",
                ),
                self._backoff,
            )
        except ConditionFailed:
            return

    def load(self, conversation_id: str, key: CallKey) -> Exchange | None:
        """Return the finished exchange, or None while there is none."""
        item = get(self._client, self._memory, keys.call(conversation_id, key))
        return exchange_from(item) if item is not None else None

    def recent(self, conversation_id: str, *, limit: int) -> Sequence[Exchange]:
        """Return the last finished exchanges, oldest first."""
        if limit <= 0:
            return []
        items = query(
            self._client,
            self._memory,
            keys.conversation(conversation_id),
            first=keys.CALL_PREFIX,
            last=keys.CALLS_END,
            backwards=True,
            page_size=limit,
        )
        finished = (exchange for item in items if (exchange := exchange_from(item)) is not None)
        return list(reversed(list(islice(finished, limit))))
