from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.expiry import expiry_of
from repartee.adapters.dynamodb.reads import get, query
from repartee.adapters.dynamodb.retries import (
    Backoff,
    ConditionFailed,
    TransactionRefused,
    mapped_failures,
    transact,
)
from repartee.adapters.dynamodb.session_items import number, state_attributes, text
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.errors import ConnectionRefused, StoreUnavailable
from repartee.domain.retention import Retention
from repartee.domain.session_state import ConnectionOpening, OpenedConnection, SessionState

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from repartee.adapters.dynamodb.keys import Item

# Places in the transaction of an opening that have reasons of their own.
_TICKET = 0
_PROFILE = 1


@dataclass(frozen=True, slots=True)
class _Found:
    """What the tables say before an opening; its transaction checks that it still holds."""

    is_new_session: bool
    counts_already: bool
    has_header: bool
    header_expires_at: int | None
    live_session_id: str | None
    guard_version: int


class DynamoConnectionStore:
    """Keeps connections, tickets and active sessions in LiveTable.

    An opening reads, decides and writes with what it read as conditions; when another opening came
    between, it decides anew. Openings by one user that come to count against the cap go one after
    the other past the user's guard item, so that the cap holds among concurrent ones.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        *,
        live_table: str,
        memory_table: str,
        retention: Retention | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._client = client
        self._retention = retention or Retention()
        self._live = live_table
        self._memory = memory_table
        self._backoff = backoff or Backoff()

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        """Spend the ticket, write the connection, make or find the session: all or nothing.

        Raises:
            ConnectionRefused: With the status and reason that ``ConnectionStore`` names.
        """
        for attempt in range(self._backoff.attempts):
            if attempt:
                self._backoff.wait(attempt - 1)
            found = self._look(opening)
            try:
                transact(self._client, self._writes(opening, found), backoff=self._backoff)
            except TransactionRefused as refused:
                if refused.failed(_TICKET):
                    raise ConnectionRefused(403, "ticket_spent") from None
                if refused.failed(_PROFILE):
                    raise ConnectionRefused(403, "user_erased") from None
                continue
            superseded = found.live_session_id if found.is_new_session else None
            return OpenedConnection(found.is_new_session, superseded)
        raise StoreUnavailable("other openings kept coming between")

    def _look(self, opening: ConnectionOpening) -> _Found:
        """Read what decides, and refuse what is to be refused without spending the ticket."""
        state = get(self._client, self._live, keys.state(opening.session_id))
        if state is not None and state["user_id"]["S"] != opening.user_id:
            raise ConnectionRefused(403, "session_of_another_user")
        profile = get(self._client, self._memory, keys.profile(opening.user_id))
        if profile is not None and "erased_at_ms" in profile:
            raise ConnectionRefused(403, "user_erased")
        header_key = keys.header(opening.user_id, opening.conversation_id)
        header = get(self._client, self._memory, header_key) or {}
        live = text(header, "live_session_id")
        if state is not None:
            if state["is_ended"]["BOOL"]:
                raise ConnectionRefused(409, "session_ended")
            if live != opening.session_id:
                raise ConnectionRefused(409, "superseded")
        elif live == opening.session_id:
            # Its state has expired, and with it how far its input was read.
            raise ConnectionRefused(409, "session_ended")
        active, guard_version = self._active(opening.user_id, opening.opened_at_ms)
        counts_already = state is not None and opening.session_id in active
        if not counts_already and len(active - {live}) >= opening.max_sessions:
            raise ConnectionRefused(429, "too_many_sessions")
        return _Found(
            state is None, counts_already, bool(header), expiry_of(header), live, guard_version
        )

    def _active(self, user_id: str, now_ms: int) -> tuple[set[str], int]:
        """Return the user's open sessions and their guard's version, 0 while there is none."""
        guard = keys.active_guard(user_id)["sk"]["S"]
        active, version = set(), 0
        for item in query(
            self._client, self._live, keys.user(user_id), first=keys.ACTIVE_PREFIX, last=guard
        ):
            sort = item["sk"]["S"]
            if sort == guard:
                version = number(item, "guard_version")
            elif number(item, "expires_at") > now_ms // 1000:
                active.add(sort.removeprefix(keys.ACTIVE_PREFIX))
        return active, version

    def _writes(
        self, opening: ConnectionOpening, found: _Found
    ) -> "list[TransactWriteItemTypeDef]":
        now_ms = opening.opened_at_ms
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._live,
                    "Item": {
                        **keys.ticket(opening.ticket_id),
                        **encode_all(
                            {
                                "expires_at": keys.expires_at(
                                    opening.ticket_expires_at_ms, keys.TICKET_MARGIN_S
                                )
                            }
                        ),
                    },
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
            {
                "ConditionCheck": {
                    "TableName": self._memory,
                    "Key": keys.profile(opening.user_id),
                    "ConditionExpression": "attribute_not_exists(erased_at_ms)",
                }
            },
            self._put_connection(opening),
            self._put_opening(opening),
            {
                "Put": {
                    "TableName": self._live,
                    "Item": {
                        **keys.active_session(opening.user_id, opening.session_id),
                        **encode_all(
                            {
                                "connection_id": opening.connection_id,
                                "expires_at": keys.expires_at(
                                    now_ms, keys.ACTIVE_SESSION_LIFETIME_S
                                ),
                            }
                        ),
                    },
                }
            },
        ]
        if not found.counts_already:
            writes.append(self._pass_guard(opening, found.guard_version))
        if found.is_new_session:
            return writes + self._new_session(opening, found)
        return writes + self._known_session(opening)

    def _put_connection(self, opening: ConnectionOpening) -> "TransactWriteItemTypeDef":
        values = encode_all(
            {
                "user_id": opening.user_id,
                "session_id": opening.session_id,
                "conversation_id": opening.conversation_id,
                "opened_at_ms": opening.opened_at_ms,
                "expires_at": keys.expires_at(opening.opened_at_ms, keys.CONNECTION_LIFETIME_S),
            }
        )
        item = {**keys.connection(opening.connection_id), **values}
        return {"Put": {"TableName": self._live, "Item": item}}

    def _put_opening(self, opening: ConnectionOpening) -> "TransactWriteItemTypeDef":
        expires_at = keys.expires_at(opening.opened_at_ms, keys.OPENING_LIFETIME_S)
        values = encode_all({"session_id": opening.session_id, "expires_at": expires_at})
        item = {**keys.opening(opening.user_id, opening.connection_id), **values}
        return {"Put": {"TableName": self._live, "Item": item}}

    def _new_session(
        self, opening: ConnectionOpening, found: _Found
    ) -> "list[TransactWriteItemTypeDef]":
        state = SessionState(opening.session_id, opening.user_id, opening.conversation_id, None)
        expires_at = keys.expires_at(opening.opened_at_ms, keys.STATE_LIFETIME_S)
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self._live,
                    "Item": {
                        **keys.state(opening.session_id),
                        **state_attributes(state, expires_at),
                    },
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
            self._take_conversation(opening, found),
        ]
        if found.live_session_id is not None:
            replaced = keys.active_session(opening.user_id, found.live_session_id)
            writes.append({"Delete": {"TableName": self._live, "Key": replaced}})
        return writes

    def _pass_guard(self, opening: ConnectionOpening, version: int) -> "TransactWriteItemTypeDef":
        expires_at = keys.expires_at(opening.opened_at_ms, keys.STATE_LIFETIME_S)
        return {
            "Update": {
                "TableName": self._live,
                "Key": keys.active_guard(opening.user_id),
                "UpdateExpression": "SET guard_version = :next, expires_at = :expires_at",
                "ConditionExpression": "attribute_not_exists(pk) OR guard_version = :seen",
                "ExpressionAttributeValues": encode_all(
                    {":next": version + 1, ":seen": version, ":expires_at": expires_at}
                ),
            }
        }

    def _take_conversation(
        self, opening: ConnectionOpening, found: _Found
    ) -> "TransactWriteItemTypeDef":
        if found.live_session_id is not None:
            condition = "live_session_id = :seen"
        elif found.has_header:
            condition = "attribute_exists(pk) AND attribute_not_exists(live_session_id)"
        else:
            condition = "attribute_not_exists(pk)"
        now_ms, retention = opening.opened_at_ms, self._retention
        # A commit that comes between may have moved it by minutes; the header's margin is days.
        expires_at = (
            retention.renewed_header_ends_at_s(now_ms, found.header_expires_at)
            if found.has_header
            else retention.header_ends_at_s(now_ms)
        )
        expiry = " REMOVE expires_at" if expires_at is None else ", expires_at = :expires_at"
        return {
            "Update": {
                "TableName": self._memory,
                "Key": keys.header(opening.user_id, opening.conversation_id),
                "UpdateExpression": (
                    "SET live_session_id = :session, "
                    "created_at_ms = if_not_exists(created_at_ms, :now), "
                    "updated_at_ms = if_not_exists(updated_at_ms, :now), "
                    "turn_count = if_not_exists(turn_count, :zero), "
                    f"version = if_not_exists(version, :zero){expiry}"
                ),
                "ConditionExpression": condition,
                "ExpressionAttributeValues": encode_all(
                    {
                        ":session": opening.session_id,
                        ":seen": found.live_session_id,
                        ":now": opening.opened_at_ms,
                        ":zero": 0,
                        ":expires_at": expires_at,
                    }
                ),
            }
        }

    def _known_session(self, opening: ConnectionOpening) -> "list[TransactWriteItemTypeDef]":
        return [
            {
                "Update": {
                    "TableName": self._live,
                    "Key": keys.state(opening.session_id),
                    "UpdateExpression": "SET expires_at = :expires_at",
                    "ConditionExpression": "user_id = :user AND is_ended = :no",
                    "ExpressionAttributeValues": encode_all(
                        {
                            ":expires_at": keys.expires_at(
                                opening.opened_at_ms, keys.STATE_LIFETIME_S
                            ),
                            ":user": opening.user_id,
                            ":no": False,
                        }
                    ),
                }
            },
            {
                "ConditionCheck": {
                    "TableName": self._memory,
                    "Key": keys.header(opening.user_id, opening.conversation_id),
                    "ConditionExpression": "live_session_id = :session",
                    "ExpressionAttributeValues": encode_all({":session": opening.session_id}),
                }
            },
        ]

    def close(self, connection_id: str) -> str | None:
        """Forget the connection; return its session's id, or None when it was unknown."""
        with mapped_failures():
            response = self._client.delete_item(
                TableName=self._live, Key=keys.connection(connection_id), ReturnValues="ALL_OLD"
            )
        return text(response.get("Attributes", {}), "session_id")

    def count_refusal(self, connection_id: str) -> int:
        """Count a message of the connection that was refused; return how many there were."""
        try:
            with mapped_failures():
                response = self._client.update_item(
                    TableName=self._live,
                    Key=keys.connection(connection_id),
                    UpdateExpression="ADD refused_messages :one",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues=encode_all({":one": 1}),
                    ReturnValues="UPDATED_NEW",
                )
        except ConditionFailed:
            return 0
        return number(response["Attributes"], "refused_messages")

    def active_sessions(self, user_id: str, *, now_ms: int) -> frozenset[str]:
        """Return the user's open sessions."""
        active, _ = self._active(user_id, now_ms)
        return frozenset(active)

    def lapse_session(
        self, user_id: str, session_id: str, *, connection_id: str, expires_at_ms: int
    ) -> None:
        """Let a session count as open until ``expires_at_ms`` only, unless it was come back to."""
        with suppress(ConditionFailed), mapped_failures():
            self._client.update_item(
                TableName=self._live,
                Key=keys.active_session(user_id, session_id),
                UpdateExpression="SET expires_at = :soon",
                ConditionExpression="connection_id = :connection AND expires_at > :soon",
                ExpressionAttributeValues=encode_all(
                    {":soon": expires_at_ms // 1000, ":connection": connection_id}
                ),
            )

    def end_session(self, user_id: str, session_id: str) -> None:
        """Take a session out of its user's active ones."""
        key: Item = keys.active_session(user_id, session_id)
        with mapped_failures():
            self._client.delete_item(TableName=self._live, Key=key)
