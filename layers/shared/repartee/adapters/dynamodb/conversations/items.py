"""Converts MemoryTable's items to domain values and back."""

from decimal import Decimal
from typing import TYPE_CHECKING

from repartee.adapters.dynamodb.sessions.items import number, text
from repartee.adapters.dynamodb.values import Value, encode_all
from repartee.domain.conversation.conversation import Conversation, SkippedInput, ToolCall, Turn
from repartee.domain.cost.limits import OwnLimits
from repartee.domain.cost.usage import Bill, TokenUsage
from repartee.domain.tools.core_calls import (
    Attempt,
    BegunTool,
    CoreAnswer,
    Exchange,
    ToolCallKey,
    ToolCallStatus,
)
from repartee.domain.users.preferences import Profile

if TYPE_CHECKING:
    from types_boto3_dynamodb.type_defs import AttributeValueTypeDef

    from repartee.adapters.dynamodb.keys import Item


def turn_attributes(turn: Turn) -> "Item":
    """Return the attributes of a turn, without its key."""
    return encode_all(
        {
            "session_id": turn.session_id,
            "started_at_ms": turn.started_at_ms,
            "ended_at_ms": turn.ended_at_ms,
            "heard": turn.heard,
            "said": turn.said,
            "said_is_approximate": turn.said_is_approximate,
            "skipped": [[skipped.first_seq, skipped.last_seq] for skipped in turn.skipped],
            "tool_calls": [
                {
                    "turn": call.key.turn,
                    "index": call.key.index,
                    "name": call.name,
                    "arguments_json": call.arguments_json,
                    "status": str(call.status),
                    "answer": call.answer,
                }
                for call in turn.tool_calls
            ],
            "is_shortened": turn.is_shortened or None,
            "first_audio_ms": turn.first_audio_ms,
            **_bill_attributes(Bill(turn.usage, turn.cost_usd)),
        }
    )


def _bill_attributes(bill: Bill) -> dict[str, Value]:
    return {
        "tokens_text_in": bill.usage.text_in,
        "tokens_audio_in": bill.usage.audio_in,
        "tokens_text_out": bill.usage.text_out,
        "tokens_audio_out": bill.usage.audio_out,
        "cost_usd": bill.cost_usd,
    }


def _bill_from(item: "Item") -> Bill:
    usage = TokenUsage(
        number(item, "tokens_text_in"),
        number(item, "tokens_audio_in"),
        number(item, "tokens_text_out"),
        number(item, "tokens_audio_out"),
    )
    return Bill(usage, Decimal(item["cost_usd"]["N"]))


def _tool_call(value: "AttributeValueTypeDef") -> ToolCall:
    call = value["M"]
    return ToolCall(
        ToolCallKey(int(call["turn"]["N"]), int(call["index"]["N"])),
        call["name"]["S"],
        call["arguments_json"]["S"],
        ToolCallStatus(call["status"]["S"]),
        call["answer"]["S"],
    )


def _skipped(value: "AttributeValueTypeDef") -> SkippedInput:
    # A later version may append to it.
    first, last = value["L"][:2]
    return SkippedInput(int(first["N"]), int(last["N"]))


def turn_from(item: "Item") -> Turn:
    """Return the turn; its number is in its sort key."""
    bill = _bill_from(item)
    return Turn(
        number=int(item["sk"]["S"].partition("#")[2]),
        session_id=item["session_id"]["S"],
        started_at_ms=number(item, "started_at_ms"),
        ended_at_ms=number(item, "ended_at_ms"),
        heard=item["heard"]["S"],
        said=item["said"]["S"],
        said_is_approximate=item["said_is_approximate"]["BOOL"],
        skipped=tuple(_skipped(skipped) for skipped in item["skipped"]["L"]),
        tool_calls=tuple(_tool_call(call) for call in item["tool_calls"]["L"]),
        is_shortened="is_shortened" in item,
        first_audio_ms=number(item, "first_audio_ms") if "first_audio_ms" in item else None,
        usage=bill.usage,
        cost_usd=bill.cost_usd,
    )


def header_from(user_id: str, item: "Item", summary: "Item | None" = None) -> Conversation:
    """Return a conversation's header; the conversation's id is in the sort key."""
    return Conversation(
        user_id,
        item["sk"]["S"].partition("#")[2],
        text(item, "title") or "",
        number(item, "created_at_ms"),
        number(item, "updated_at_ms"),
        number(item, "turn_count"),
        summary["summary"]["S"] if summary else "",
        number(summary, "through") if summary else 0,
        text(item, "live_session_id"),
        number(item, "version"),
        superseded_from(item),
    )


def superseded_from(item: "Item") -> tuple[str, ...]:
    """Return the sessions from which the header's conversation was taken, oldest first."""
    if "superseded_session_ids" not in item:
        return ()
    return tuple(one["S"] for one in item["superseded_session_ids"]["L"])


def own_limits_from(item: "Item") -> OwnLimits:
    """Return the limits that an operator set in the user's profile."""
    return OwnLimits(
        number(item, "max_talk_s_per_day") if "max_talk_s_per_day" in item else None,
        Decimal(item["max_usd_per_day"]["N"]) if "max_usd_per_day" in item else None,
    )


def profile_from(user_id: str, item: "Item") -> Profile:
    """Return a user's profile."""
    return Profile(
        user_id,
        text(item, "language"),
        text(item, "voice"),
        text(item, "style"),
        number(item, "erased_at_ms") if "erased_at_ms" in item else None,
        own_limits_from(item),
    )


def exchange_attributes(exchange: Exchange) -> "Item":
    """Return the attributes of a finished call, without its key."""
    return encode_all(
        {
            "arguments_hash": exchange.arguments_hash,
            "question": exchange.question,
            "status": str(exchange.answer.status),
            "answer": exchange.answer.answer,
            "retryable": exchange.answer.retryable,
            **_bill_attributes(exchange.answer.bill),
            "messages_json": exchange.messages_json,
            "finished_at_ms": exchange.finished_at_ms,
        }
    )


def call_key_from(item: "Item") -> ToolCallKey:
    """Return the call's key, which is in the sort key."""
    # A third part, if there is one, distinguishes exchanges of the same place.
    turn, index = item["sk"]["S"].partition("#")[2].split("/")[:2]
    return ToolCallKey(int(turn), int(index))


def exchange_from(item: "Item") -> Exchange | None:
    """Return the finished call, None while it runs."""
    if "finished_at_ms" not in item:
        return None
    answer = CoreAnswer(
        ToolCallStatus(item["status"]["S"]),
        item["answer"]["S"],
        item["retryable"]["BOOL"],
        _bill_from(item),
    )
    return Exchange(
        call_key_from(item),
        item["arguments_hash"]["S"],
        item["question"]["S"],
        answer,
        item["messages_json"]["S"],
        number(item, "finished_at_ms"),
    )


def attempt_from(item: "Item") -> Attempt:
    """Return a call, finished or not."""
    begun = item["begun"]["L"] if "begun" in item else []
    return Attempt(
        item["question"]["S"],
        tuple(BegunTool(one["M"]["name"]["S"], one["M"]["arguments_json"]["S"]) for one in begun),
        text(item, "answer"),
    )
