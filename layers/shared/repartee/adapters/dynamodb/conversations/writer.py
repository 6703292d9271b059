import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.conversations.items import (
    superseded_from,
    turn_attributes,
    turn_from,
)
from repartee.adapters.dynamodb.expiry import expiry_of
from repartee.adapters.dynamodb.item_size import check_size
from repartee.adapters.dynamodb.retries import TransactionRefused
from repartee.adapters.dynamodb.sessions.items import (
    number,
    pending_calls_value,
    taken_changes,
    text,
    undelivered_value,
)
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.users.usage_items import count_usage
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.adapters.dynamodb.write_conditions import NOT_ERASED, unless_erased, while_epoch_holds
from repartee.domain.conversation.conversation import title_from
from repartee.domain.cost.limits import DayUsage, utc_day
from repartee.domain.errors import (
    ConversationErased,
    ConversationTaken,
    LeaseLost,
    UserErased,
)
from repartee.domain.session.state import TurnAmendment, TurnCommit
from repartee.domain.users.retention import Retention

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

# Indexes of the writes in a commit's transaction.
_TURN, _HEADER, _PROFILE, _STATE = range(4)


@dataclass(frozen=True, slots=True)
class HeaderConditions:
    """The conditions of a commit for the conversation's header.

    Attributes:
        is_live: Whether the session is the conversation's live one. If not, another session has
            taken the conversation and has not committed yet.
        renews_expiry: Whether to set the header's expiry. It stays if it is later, because the
            header may lead to turns that were stored under a longer retention.
    """

    is_live: bool = True
    renews_expiry: bool = True


DEFAULT_HEADER_CONDITIONS = HeaderConditions()


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamoConversationWriter:
    """Writes turns, headers and usage to MemoryTable and moves the session in LiveTable."""

    session_table: DynamoTable
    memory: DynamoTable
    retention: Retention

    def commit_turn(self, commit: TurnCommit) -> None:
        """Write the turn, the header, the session's cursor and the usage, all or nothing.

        Raises:
            LeaseLost: The session's epoch has moved on, or another turn has this number.
            ConversationTaken: Another session is the conversation's live one.
            UserErased: The user's tombstone is set, or the conversation's: ``ConversationErased``.
            ItemTooLarge: The turn is too large; nothing was written.
        """
        try:
            self._transact(commit)
        except TransactionRefused as refused:
            if (terms := self._fallback_conditions(commit, refused)) is None:
                self._explain(commit, refused)
                return
        else:
            return
        try:
            self._transact(commit, terms)
        except TransactionRefused as refused:
            self._explain(commit, refused)

    def amend_turn(self, amendment: TurnAmendment) -> bool:
        """Correct the transcripts in a committed turn of the session; may be repeated.

        Returns:
            False if the turn no longer exists, or belongs to another session.

        Raises:
            LeaseLost: The session's epoch has moved on.
            UserErased: The user's tombstone is set.
        """
        try:
            self.memory.transact(
                [
                    self._amend_turn_item(amendment),
                    self._give_title(amendment),
                    unless_erased(self.memory, amendment.user_id),
                    while_epoch_holds(self.session_table, amendment.session_id, amendment.epoch),
                ]
            )
        except TransactionRefused as refused:
            if refused.failed(_PROFILE):
                raise UserErased(amendment.user_id) from None
            if refused.failed(_STATE):
                raise LeaseLost(amendment.session_id) from None
            return False
        return True

    def _amend_turn_item(self, amendment: TurnAmendment) -> "TransactWriteItemTypeDef":
        turn = amendment.turn
        changes = "SET heard = :heard, said = :said"
        values: dict[str, Value] = {
            ":heard": turn.heard,
            ":said": turn.said,
            ":session": amendment.session_id,
        }
        if turn.is_shortened:
            changes += ", is_shortened = :shortened"
            values[":shortened"] = True
        return {
            "Update": {
                "TableName": self.memory.name,
                "Key": keys.turn(amendment.conversation_id, turn.number),
                "UpdateExpression": changes,
                "ConditionExpression": "session_id = :session",
                "ExpressionAttributeValues": encode_all(values),
            }
        }

    def _give_title(self, amendment: TurnAmendment) -> "TransactWriteItemTypeDef":
        # This update must not create the header of a deleted conversation, nor write a title into
        # the tombstone of one that is being erased.
        place = keys.header(amendment.user_id, amendment.conversation_id)
        is_there = f"attribute_exists(pk) AND {NOT_ERASED}"
        if not (title := title_from(amendment.turn.heard)):
            return {
                "ConditionCheck": {
                    "TableName": self.memory.name,
                    "Key": place,
                    "ConditionExpression": is_there,
                }
            }
        return {
            "Update": {
                "TableName": self.memory.name,
                "Key": place,
                "UpdateExpression": "SET title = if_not_exists(title, :title)",
                "ConditionExpression": is_there,
                "ExpressionAttributeValues": encode_all({":title": title}),
            }
        }

    def _transact(
        self, commit: TurnCommit, terms: HeaderConditions = DEFAULT_HEADER_CONDITIONS
    ) -> None:
        # A commit that is repeated within 10 min has the same token, so DynamoDB does not write it
        # again. Tokens are unique per account, so they include the tables' names.
        named = (self.memory.name, self.session_table.name, commit, self.retention, terms)
        token = hashlib.sha256(repr(named).encode()).hexdigest()[:36]
        self.memory.transact(self._writes(commit, terms), token=token)

    def _fallback_conditions(
        self, commit: TurnCommit, refused: TransactionRefused
    ) -> HeaderConditions | None:
        """Return conditions that the header meets; None for the default ones or no conditions."""
        header = refused.item(_HEADER)
        if header is None or number(header, "turn_count") != commit.turn.number - 1:
            return None
        is_live = text(header, "live_session_id") == commit.session_id
        if not is_live and commit.session_id not in superseded_from(header):
            return None
        expires_at = self.retention.header_ends_at_s(commit.committed_at_ms)
        stored = expiry_of(header)
        stays_longer = expires_at is not None and (stored is None or stored > expires_at)
        terms = HeaderConditions(is_live=is_live, renews_expiry=not stays_longer)
        return None if terms == DEFAULT_HEADER_CONDITIONS else terms

    def _explain(self, commit: TurnCommit, refused: TransactionRefused) -> None:
        """Return if the turn was committed before; otherwise raise the reason of the refusal."""
        if refused.failed(_PROFILE):
            raise UserErased(commit.user_id) from None
        stored = refused.item(_TURN)
        if stored is not None and turn_from(stored) == commit.turn:
            return
        if refused.failed(_HEADER):
            header = refused.item(_HEADER)
            if header is not None and "erased_at_ms" in header:
                raise ConversationErased(commit.conversation_id) from None
            if header is None or text(header, "live_session_id") != commit.session_id:
                raise ConversationTaken(commit.conversation_id) from None
        raise LeaseLost(commit.session_id) from None

    def _writes(
        self, commit: TurnCommit, terms: HeaderConditions
    ) -> "list[TransactWriteItemTypeDef]":
        return [
            *self.memory_writes(commit, terms),
            unless_erased(self.memory, commit.user_id),
            self._advance_state(commit),
            self._count_usage(commit),
        ]

    def memory_writes(
        self, commit: TurnCommit, terms: HeaderConditions = DEFAULT_HEADER_CONDITIONS
    ) -> "list[TransactWriteItemTypeDef]":
        """Return the writes of the turn and the header, without the other writes of a commit.

        Raises:
            ItemTooLarge: The turn is too large.
        """
        turn_key = keys.turn(commit.conversation_id, commit.turn.number)
        expiry = encode_all({"expires_at": self.retention.ends_at_s(commit.committed_at_ms)})
        turn_item = {**turn_key, **turn_attributes(commit.turn), **expiry}
        check_size(turn_item)
        return [
            {
                "Put": {
                    "TableName": self.memory.name,
                    "Item": turn_item,
                    "ConditionExpression": "attribute_not_exists(pk)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            },
            self._advance_header(commit, terms),
        ]

    def _advance_header(
        self, commit: TurnCommit, terms: HeaderConditions
    ) -> "TransactWriteItemTypeDef":
        condition = "turn_count = :before AND "
        removed = list[str]()
        if terms.is_live:
            condition += "live_session_id = :session"
            # The owning session has ended the earlier ones: only it may commit from now on.
            removed.append("superseded_session_ids")
        else:
            condition += "contains(superseded_session_ids, :session)"
        update = "SET turn_count = :number, version = version + :one, updated_at_ms = :now"
        values: dict[str, Value] = {
            ":number": commit.turn.number,
            ":before": commit.turn.number - 1,
            ":one": 1,
            ":now": commit.committed_at_ms,
            ":session": commit.session_id,
        }
        if title := title_from(commit.turn.heard):
            update += ", title = if_not_exists(title, :title)"
            values[":title"] = title
        expires_at = self.retention.header_ends_at_s(commit.committed_at_ms)
        if expires_at is None:
            removed.append("expires_at")
        elif terms.renews_expiry:
            update += ", expires_at = :expires_at"
            condition += " AND expires_at <= :expires_at"
            values[":expires_at"] = expires_at
        if removed:
            update += f" REMOVE {', '.join(removed)}"
        return {
            "Update": {
                "TableName": self.memory.name,
                "Key": keys.header(commit.user_id, commit.conversation_id),
                "UpdateExpression": update,
                "ConditionExpression": condition,
                "ExpressionAttributeValues": encode_all(values),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _advance_state(self, commit: TurnCommit) -> "TransactWriteItemTypeDef":
        taken_update, taken_values = taken_changes(commit.taken)
        values = encode_all(
            {
                **taken_values,
                ":cursor": commit.cursor,
                ":mine": commit.epoch,
                ":expires_at": keys.expires_at(commit.committed_at_ms, keys.STATE_LIFETIME_S),
                ":talk": commit.turn.talk_ms,
                ":cost": commit.uncounted_bill.cost_usd,
                ":undelivered": undelivered_value(commit.undelivered),
            }
        )
        return {
            "Update": {
                "TableName": self.session_table.name,
                "Key": keys.state(commit.session_id),
                "UpdateExpression": (
                    f"SET input_cursor = :cursor, {taken_update}pending_calls = :pending, "
                    "undelivered = :undelivered, "
                    "expires_at = :expires_at ADD talk_ms :talk, cost_usd :cost"
                ),
                "ConditionExpression": "epoch = :mine",
                "ExpressionAttributeValues": {
                    **values,
                    ":pending": pending_calls_value(commit.pending_calls),
                },
            }
        }

    def _count_usage(self, commit: TurnCommit) -> "TransactWriteItemTypeDef":
        day, bill = utc_day(commit.committed_at_ms), commit.uncounted_bill
        return {
            "Update": count_usage(
                self.memory,
                commit.user_id,
                DayUsage(day, 1, commit.turn.talk_ms, bill.usage, bill.cost_usd),
                self.retention.ends_at_s(commit.committed_at_ms),
            )
        }
