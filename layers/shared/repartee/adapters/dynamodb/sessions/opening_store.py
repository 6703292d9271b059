from dataclasses import dataclass
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import superseded_from
from repartee.adapters.dynamodb.expiry import expiry_of
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.sessions.active_sessions import active_sessions
from repartee.adapters.dynamodb.sessions.items import state_attributes, state_from, text
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.adapters.dynamodb.write_conditions import NOT_ERASED, unless_erased
from repartee.domain.conversation.conversation import MAX_SUPERSEDED
from repartee.domain.errors import ConnectionRefused, StoreUnavailable
from repartee.domain.session.state import (
    NO_CONNECTION,
    ConnectionOpening,
    OpenedConnection,
    SessionState,
)
from repartee.domain.users.retention import Retention

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Indexes of the writes in an opening's transaction whose failure has its own reason.
_TICKET = 0
_PROFILE = 1


@dataclass(frozen=True, slots=True)
class _OpeningReads:
    """The items that an opening reads; its transaction checks that they have not changed."""

    is_counted: bool
    has_header: bool
    header_expires_at: int | None
    live_session_id: str | None
    superseded: tuple[str, ...]
    guard_version: int
    state: SessionState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoOpeningStore:
    """Writes connections, spent tickets and active sessions to LiveTable, headers to MemoryTable.

    An opening reads, decides and writes on the condition that what it read has not changed. If it
    has, the opening starts again. Openings of a user that count against the cap are serialised by
    the user's guard item, so that the cap also holds for concurrent ones.
    """

    session_table: DynamoTable
    memory: DynamoTable
    retention: Retention

    def open(self, opening: ConnectionOpening) -> OpenedConnection:
        """Spend the ticket, write the connection, make or find the session: all or nothing.

        Raises:
            ConnectionRefused: With the status and reason that ``OpeningStore`` names.
        """
        for _ in self.session_table.backoff.each_attempt():
            found = self._read_tables(opening)
            try:
                self.memory.transact(self._writes(opening, found))
            except TransactionRefused as refused:
                if refused.failed(_TICKET):
                    raise ConnectionRefused(403, "ticket_spent") from None
                if refused.failed(_PROFILE):
                    raise ConnectionRefused(403, "user_erased") from None
                continue
            if found.state is not None:
                return OpenedConnection(False, None, opening.surplus_connections(found.state))
            return OpenedConnection(True, found.live_session_id)
        raise StoreUnavailable("parallel openings of this user kept conflicting")

    def _read_tables(self, opening: ConnectionOpening) -> _OpeningReads:
        """Read the items; raise ``ConnectionRefused`` if one of them forbids the opening."""
        item = self.session_table.get(keys.state(opening.session_id))
        state = state_from(opening.session_id, item) if item is not None else None
        if state is not None and state.user_id != opening.user_id:
            raise ConnectionRefused(403, "session_of_another_user")
        profile = self.memory.get(keys.profile(opening.user_id))
        if profile is not None and "erased_at_ms" in profile:
            raise ConnectionRefused(403, "user_erased")
        header_key = keys.header(opening.user_id, opening.conversation_id)
        header = self.memory.get(header_key) or {}
        if "erased_at_ms" in header:
            raise ConnectionRefused(403, "conversation_erased")
        live = text(header, "live_session_id")
        if state is not None:
            if state.ended:
                raise ConnectionRefused(409, "session_ended")
            if live != opening.session_id:
                raise ConnectionRefused(409, "superseded")
        elif live == opening.session_id:
            # The session's state has expired, and with it the position in its input.
            raise ConnectionRefused(409, "session_ended")
        active, guard_version = active_sessions(
            self.session_table, opening.user_id, opening.opened_at_ms
        )
        is_counted = state is not None and opening.session_id in active
        if not is_counted and len(active.keys() - {live}) >= opening.max_sessions:
            raise ConnectionRefused(429, "too_many_sessions")
        superseded = superseded_from(header)
        if state is None and live is not None and self._is_session_open(live):
            superseded = (*superseded, live)[-MAX_SUPERSEDED:]
        return _OpeningReads(
            is_counted,
            bool(header),
            expiry_of(header),
            live,
            superseded,
            guard_version,
            state,
        )

    def _is_session_open(self, session_id: str) -> bool:
        """Return whether a session may still have input to commit."""
        state = self.session_table.get(keys.state(session_id))
        return state is not None and not state["is_ended"]["BOOL"]

    def _writes(
        self, opening: ConnectionOpening, found: _OpeningReads
    ) -> "list[TransactWriteItemTypeDef]":
        now_ms = opening.opened_at_ms
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self.session_table.name,
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
            unless_erased(self.memory, opening.user_id),
            self._put_connection(opening),
            self._put_opening(opening),
            {
                "Put": {
                    "TableName": self.session_table.name,
                    "Item": {
                        **keys.active_session(opening.user_id, opening.session_id),
                        **encode_all(
                            {
                                "connection_id": opening.connection_id,
                                "opened_at_ms": now_ms,
                                "expires_at": keys.expires_at(
                                    now_ms, keys.ACTIVE_SESSION_LIFETIME_S
                                ),
                            }
                        ),
                    },
                }
            },
        ]
        if not found.is_counted:
            writes.append(self._advance_guard(opening, found.guard_version))
        if found.state is None:
            return writes + self._new_session(opening, found)
        return writes + self._known_session(opening, found.state)

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
        return {"Put": {"TableName": self.session_table.name, "Item": item}}

    def _put_opening(self, opening: ConnectionOpening) -> "TransactWriteItemTypeDef":
        expires_at = keys.expires_at(opening.opened_at_ms, keys.OPENING_LIFETIME_S)
        values = encode_all(
            {
                "session_id": opening.session_id,
                "conversation_id": opening.conversation_id,
                "expires_at": expires_at,
            }
        )
        item = {**keys.opening(opening.user_id, opening.connection_id), **values}
        return {"Put": {"TableName": self.session_table.name, "Item": item}}

    def _new_session(
        self, opening: ConnectionOpening, found: _OpeningReads
    ) -> "list[TransactWriteItemTypeDef]":
        state = SessionState(
            opening.session_id,
            opening.user_id,
            opening.conversation_id,
            None,
            newest_hello=NO_CONNECTION,
            open_connections=(opening.connection_id,),
        )
        expires_at = keys.expires_at(opening.opened_at_ms, keys.STATE_LIFETIME_S)
        writes: list[TransactWriteItemTypeDef] = [
            {
                "Put": {
                    "TableName": self.session_table.name,
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
            writes.append({"Delete": {"TableName": self.session_table.name, "Key": replaced}})
        return writes

    def _advance_guard(
        self, opening: ConnectionOpening, version: int
    ) -> "TransactWriteItemTypeDef":
        expires_at = keys.expires_at(opening.opened_at_ms, keys.STATE_LIFETIME_S)
        return {
            "Update": {
                "TableName": self.session_table.name,
                "Key": keys.active_guard(opening.user_id),
                "UpdateExpression": "SET guard_version = :next, expires_at = :expires_at",
                "ConditionExpression": "attribute_not_exists(pk) OR guard_version = :seen",
                "ExpressionAttributeValues": encode_all(
                    {":next": version + 1, ":seen": version, ":expires_at": expires_at}
                ),
            }
        }

    def _take_conversation(
        self, opening: ConnectionOpening, found: _OpeningReads
    ) -> "TransactWriteItemTypeDef":
        if found.live_session_id is not None:
            condition = "live_session_id = :seen"
        elif found.has_header:
            condition = (
                f"attribute_exists(pk) AND attribute_not_exists(live_session_id) AND {NOT_ERASED}"
            )
        else:
            condition = "attribute_not_exists(pk)"
        now_ms, retention = opening.opened_at_ms, self.retention
        # A concurrent commit may change the expiry by minutes; the header's margin is days.
        expires_at = (
            retention.renewed_header_ends_at_s(now_ms, found.header_expires_at)
            if found.has_header
            else retention.header_ends_at_s(now_ms)
        )
        expiry = " REMOVE expires_at" if expires_at is None else ", expires_at = :expires_at"
        return {
            "Update": {
                "TableName": self.memory.name,
                "Key": keys.header(opening.user_id, opening.conversation_id),
                "UpdateExpression": (
                    "SET live_session_id = :session, superseded_session_ids = :superseded, "
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
                        ":superseded": list(found.superseded),
                        ":now": opening.opened_at_ms,
                        ":zero": 0,
                        ":expires_at": expires_at,
                    }
                ),
            }
        }

    def _known_session(
        self, opening: ConnectionOpening, state: SessionState
    ) -> "list[TransactWriteItemTypeDef]":
        surplus = opening.surplus_connections(state)
        stay: list[Value] = [one for one in state.open_connections if one not in surplus]
        values: dict[str, Value] = {}
        as_seen = "attribute_not_exists(open_connections)"
        if state.open_connections:
            as_seen = "open_connections = :seen"
            values[":seen"] = [*state.open_connections]
        # A concurrent hello may make one of the surplus connections the current one.
        if state.newest_hello is not None:
            as_seen += " AND greeted_connection_id = :greeted"
            values[":greeted"] = state.newest_hello.connection_id
        else:
            as_seen += " AND attribute_not_exists(greeted_connection_id)"
        return [
            {
                "Update": {
                    "TableName": self.session_table.name,
                    "Key": keys.state(opening.session_id),
                    "UpdateExpression": "SET expires_at = :expires_at, open_connections = :open",
                    "ConditionExpression": f"user_id = :user AND is_ended = :no AND {as_seen}",
                    "ExpressionAttributeValues": encode_all(
                        {
                            **values,
                            ":open": [*stay, opening.connection_id],
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
                    "TableName": self.memory.name,
                    "Key": keys.header(opening.user_id, opening.conversation_id),
                    "ConditionExpression": "live_session_id = :session",
                    "ExpressionAttributeValues": encode_all({":session": opening.session_id}),
                }
            },
        ]
