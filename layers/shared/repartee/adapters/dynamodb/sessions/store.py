import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.sessions.items import (
    number,
    state_from,
    taken_changes,
    text,
    undelivered_value,
)
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.domain.errors import LeaseLost, StoreUnavailable
from repartee.domain.protocol.recent_input import InputTaken
from repartee.domain.session.state import (
    NO_CONNECTION,
    Connected,
    HelloOutcome,
    Lease,
    SessionState,
    UndeliveredTurn,
    WakeElection,
)

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item

# How long one election prevents others; the port documents it.
_WAKE_WINDOW_MS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoSessionStore:
    """Keeps sessions' states in LiveTable.

    The SDK repeats a write whose answer was lost, and then the condition fails. So the owner of a
    lease and the winner of an election are stored, and a repetition recognises itself.
    """

    session_table: DynamoTable

    def load(self, session_id: str) -> SessionState | None:
        """Return the session's state, None if there is none."""
        item = self.session_table.get(keys.state(session_id))
        return state_from(session_id, item) if item is not None else None

    def _update(self, key: "Item", update: str, condition: str, values: dict[str, Value]) -> "Item":
        return self.session_table.update(key, update, encode_all(values), condition=condition)

    def elect_waker(self, session_id: str, now_ms: int) -> WakeElection:
        """Let exactly one caller per window of 3 s invoke a worker."""
        candidate = secrets.token_hex(8)
        try:
            item = self._update(
                keys.wake(session_id),
                "SET previous_ms = if_not_exists(woken_at_ms, :never), woken_at_ms = :now, "
                "waker = :waker, expires_at = :expires_at",
                "attribute_not_exists(woken_at_ms) OR woken_at_ms <= :window_start",
                {
                    ":never": -1,
                    ":now": now_ms,
                    ":waker": candidate,
                    ":expires_at": keys.expires_at(now_ms, keys.WAKE_LIFETIME_S),
                    ":window_start": now_ms - _WAKE_WINDOW_MS,
                },
            )
        except ConditionFailed as failed:
            if failed.item is None or text(failed.item, "waker") != candidate:
                return WakeElection(won=False)
            item = failed.item
        previous_ms = number(item, "previous_ms")
        return WakeElection(won=True, unserved_since_ms=previous_ms if previous_ms >= 0 else None)

    def forget_wake(self, session_id: str) -> None:
        """Delete the election of a session that is over."""
        self.session_table.delete(keys.wake(session_id))

    def acquire_lease(
        self, session_id: str, *, owner: str, now_ms: int, until_ms: int
    ) -> Lease | None:
        """Take the lease and raise the epoch; return None if it is held or there is no session."""
        try:
            item = self._update(
                keys.state(session_id),
                "SET previous_owner = if_not_exists(lease_owner, :nobody), lease_owner = :me, "
                "previous_until_ms = if_not_exists(lease_until_ms, :none), "
                "lease_until_ms = :until, epoch = epoch + :one, expires_at = :expires_at",
                "attribute_exists(pk) AND is_ended = :no "
                "AND (attribute_not_exists(lease_owner) OR lease_until_ms <= :now)",
                {
                    ":nobody": "",
                    ":none": 0,
                    ":me": owner,
                    ":until": until_ms,
                    ":one": 1,
                    ":expires_at": keys.expires_at(now_ms, keys.STATE_LIFETIME_S),
                    ":no": False,
                    ":now": now_ms,
                },
            )
        except ConditionFailed as failed:
            if failed.item is None or failed.item["is_ended"]["BOOL"]:
                return None
            if (text(failed.item, "lease_owner"), number(failed.item, "lease_until_ms")) != (
                owner,
                until_ms,
            ):
                return None
            item = failed.item
        self._clear_wake(session_id)
        is_takeover = text(item, "previous_owner") != ""
        previous_until_ms = number(item, "previous_until_ms") if is_takeover else 0
        state = state_from(session_id, item)
        return Lease(state, until_ms, is_takeover, now_ms, previous_until_ms)

    def _clear_wake(self, session_id: str) -> None:
        # If the wake stays, a later waker reports an unserved wake by mistake. If a new wake is
        # deleted, another caller may wake too, and the second worker finds no free lease.
        with suppress(StoreUnavailable):
            self.forget_wake(session_id)

    def _update_mine(
        self, session_id: str, epoch: int, update: str, values: dict[str, Value]
    ) -> None:
        try:
            self._update(
                keys.state(session_id), update, "epoch = :mine", {":mine": epoch, **values}
            )
        except ConditionFailed:
            raise LeaseLost(session_id) from None

    def _update_mine_at(
        self,
        session_id: str,
        epoch: int,
        cursor: int,
        update: str,
        values: dict[str, Value],
        taken: InputTaken | None,
    ) -> None:
        """Update the state, and move the cursor forward but never back.

        The stored cursor is higher if the answer to a turn's commit was lost. Moving it back would
        replay the turn's input and store the turn twice.
        """
        taken_update, taken_values = taken_changes(taken)
        try:
            self._update(
                keys.state(session_id),
                f"SET input_cursor = :cursor, {taken_update}{update}",
                "epoch = :mine AND input_cursor <= :cursor",
                {":mine": epoch, ":cursor": cursor, **taken_values, **values},
            )
        except ConditionFailed:
            self._update_mine(session_id, epoch, f"SET {update}", values)

    def accept_hello(self, session_id: str, connection: Connected) -> HelloOutcome | None:
        """Make the connection of a ``hello`` current, unless a newer connection is current."""
        try:
            item = self._update(
                keys.state(session_id),
                "SET replaced_connection_id = if_not_exists(greeted_connection_id, :nobody), "
                "greeted_connection_id = :id, greeted_connected_at_ms = :at",
                "attribute_exists(pk) AND is_ended = :no AND ("
                "attribute_not_exists(greeted_connected_at_ms) OR greeted_connected_at_ms < :at OR "
                "(greeted_connected_at_ms = :at AND greeted_connection_id < :id))",
                {
                    ":nobody": NO_CONNECTION.connection_id,
                    ":id": connection.connection_id,
                    ":at": connection.at_ms,
                    ":no": False,
                },
            )
        except ConditionFailed as failed:
            if failed.item is None:
                return None
            item = failed.item
        replaced = text(item, "replaced_connection_id") or None
        return HelloOutcome(state_from(session_id, item), replaced)

    def renew_lease(
        self,
        session_id: str,
        *,
        epoch: int,
        until_ms: int,
        cursor: int,
        taken: InputTaken | None = None,
    ) -> None:
        """Hold the lease until ``until_ms``; input up to ``cursor`` need not be read again.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        self._update_mine_at(
            session_id,
            epoch,
            cursor,
            "lease_until_ms = :until, expires_at = :expires_at",
            {
                ":until": until_ms,
                ":expires_at": keys.expires_at(until_ms, keys.STATE_LIFETIME_S),
            },
            taken,
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
        """Record which connection is the session's current one.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        if connection_id is None:
            self._update_mine(session_id, epoch, "REMOVE connection_id", {})
            return
        # The id is stored, because 0.1.0 sets another connection and leaves these attributes.
        update, removed = "SET connection_id = :connection", []
        values: dict[str, Value] = {":connection": connection_id}
        if marks_speech:
            update += ", marking_connection_id = :connection"
        else:
            removed.append("marking_connection_id")
        if features:
            update += ", listing_connection_id = :connection, client_features = :features"
            values[":features"] = list(features)
        else:
            removed += ["listing_connection_id", "client_features"]
        if removed:
            update += f" REMOVE {', '.join(removed)}"
        self._update_mine(session_id, epoch, update, values)

    def set_undelivered(
        self, session_id: str, *, epoch: int, turns: tuple[UndeliveredTurn, ...]
    ) -> None:
        """Record which committed turns the client has not fully received, oldest first.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        self._update_mine(
            session_id,
            epoch,
            "SET undelivered = :undelivered",
            {":undelivered": undelivered_value(turns)},
        )

    def end_greeting(self, session_id: str, *, epoch: int) -> None:
        """Record that the agent's greeting is over in this session.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        self._update_mine(session_id, epoch, "SET is_greeting_over = :yes", {":yes": True})

    def release_lease(
        self,
        session_id: str,
        *,
        epoch: int,
        cursor: int,
        ended: bool,
        taken: InputTaken | None = None,
    ) -> None:
        """Give the lease back at ``cursor``; ``ended`` closes the session for good.

        A wake that came during the lease is deleted too, because this worker has served it.

        Raises:
            LeaseLost: The epoch has moved on.
        """
        update = "lease_until_ms = :released"
        values: dict[str, Value] = {":released": 0}
        if ended:
            update += ", is_ended = :yes"
            values[":yes"] = True
        update += " REMOVE lease_owner"
        self._update_mine_at(session_id, epoch, cursor, update, values, taken)
        self._clear_wake(session_id)
