"""Converts a user's counters of a UTC day to domain values and back."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.cost.limits import DayUsage
from repartee.domain.cost.usage import TokenUsage

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import UpdateTypeDef

    from repartee.adapters.dynamodb.keys import Item


def count_usage(
    memory: DynamoTable, user_id: str, more: DayUsage, expires_at: int | None
) -> "UpdateTypeDef":
    """Return a write, for a transaction, that adds ``more`` to its day.

    The day expires at ``expires_at``, in epoch s; with None never.
    """
    expiry = "REMOVE expires_at" if expires_at is None else "SET expires_at = :expires_at"
    return {
        "TableName": memory.name,
        "Key": keys.usage(user_id, more.day.isoformat()),
        "UpdateExpression": (
            "ADD turns :turns, talk_ms :talk, tokens_text_in :text_in, "
            "tokens_audio_in :audio_in, tokens_text_out :text_out, "
            f"tokens_audio_out :audio_out, cost_usd :cost {expiry}"
        ),
        "ExpressionAttributeValues": encode_all(
            {
                ":turns": more.turns,
                ":talk": more.talk_ms,
                ":text_in": more.tokens.text_in,
                ":audio_in": more.tokens.audio_in,
                ":text_out": more.tokens.text_out,
                ":audio_out": more.tokens.audio_out,
                ":cost": more.cost_usd,
                ":expires_at": expires_at,
            }
        ),
    }


def usage_from(item: "Item") -> DayUsage:
    """Return a day's counters; missing ones are 0."""

    def count(name: str) -> Decimal:
        return Decimal(item[name]["N"]) if name in item else Decimal(0)

    return DayUsage(
        date.fromisoformat(item["sk"]["S"].removeprefix(keys.USAGE_PREFIX)),
        int(count("turns")),
        int(count("talk_ms")),
        TokenUsage(
            int(count("tokens_text_in")),
            int(count("tokens_audio_in")),
            int(count("tokens_text_out")),
            int(count("tokens_audio_out")),
        ),
        count("cost_usd"),
    )
