"""``python -m ops.apply_retention``: set the expiry of items written while ``RetentionDays`` was 0.

A deployment that sets ``RetentionDays`` changes only items that are written later. This program
sets ``expires_at`` of the earlier items. It can be interrupted and repeated.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from ops.failures import run_program
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.client import make_client
from repartee.adapters.dynamodb.expiry import expiry_of
from repartee.adapters.dynamodb.retries import ConditionFailed
from repartee.adapters.dynamodb.sessions.items import number
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.adapters.dynamodb.values import encode_all
from repartee.domain.cost.limits import DAY_S
from repartee.domain.users.erasure import ItemKind
from repartee.domain.users.retention import HEADER_MARGIN_S, MAX_RETENTION_DAYS

if TYPE_CHECKING:
    from repartee.adapters.dynamodb.keys import Item

# The first of these attributes that an item has is its time of writing. A summary has none.
_TIME_ATTRIBUTES = ("ended_at_ms", "finished_at_ms", "claimed_until_ms")


@dataclass(slots=True)
class RetentionResult:
    """What a run changed.

    Attributes:
        conversations: Conversations whose items all have an expiry now.
        items: Turns, calls, summaries and days of usage that have an expiry now.
        in_use: Conversations that changed during the run; the next run handles them.
    """

    conversations: int = 0
    items: int = 0
    in_use: int = 0


def apply_retention(memory: DynamoTable, days: int, now_ms: int) -> RetentionResult:
    """Set the expiry of all conversations and days of usage that have none.

    Args:
        memory: MemoryTable.
        days: The value of ``RetentionDays``, at least 1.
        now_ms: Unix time in ms.

    Raises:
        StoreUnavailable: All retries of a request failed.
    """
    run = _RetentionRun(memory, days * DAY_S, now_ms // 1_000)
    for item in _without_expiry(memory):
        match keys.kind_of(item["pk"]["S"], item["sk"]["S"]):
            case ItemKind.USAGE_DAYS:
                run.day(item)
            case ItemKind.CONVERSATIONS:
                run.conversation(item)
    return run.applied


def _without_expiry(memory: DynamoTable) -> "Iterator[Item]":
    pages = memory.client.get_paginator("scan").paginate(
        TableName=memory.name,
        ConsistentRead=True,
        FilterExpression="attribute_not_exists(expires_at) AND begins_with(pk, :user)",
        ExpressionAttributeValues=encode_all({":user": keys.user("")}),
        ProjectionExpression="pk, sk, updated_at_ms, version",
    )
    for page in pages:
        yield from page["Items"]


class _RetentionRun:
    def __init__(self, memory: DynamoTable, kept_s: int, now_s: int):
        self._memory = memory
        self._kept_s = kept_s
        self._now_s = now_s
        self.applied = RetentionResult()

    def day(self, item: "Item") -> None:
        """Set the expiry of a day of usage, counted from the end of the day.

        The item does not contain the time of its last write.
        """
        day = date.fromisoformat(item["sk"]["S"].removeprefix(keys.USAGE_PREFIX))
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        if self._expire(item, int(end.timestamp()) + self._kept_s):
            self.applied.items += 1

    def conversation(self, header: "Item") -> None:
        """Set the expiry of a conversation's items, and then of its header."""
        updated_s = number(header, "updated_at_ms") // 1_000
        # The header must outlive its items. DynamoDB may delete them up to 48 h late, and a session
        # may write new ones, so the header's time counts from now at least.
        last_s = max(updated_s + self._kept_s, self._now_s)
        for item in self._memory.query(
            keys.conversation(header["sk"]["S"].removeprefix(keys.CONVERSATION_PREFIX)),
            first=keys.FIRST_SORT_KEY,
            last=keys.LAST_SORT_KEY,
            only=", ".join(("pk", "sk", "expires_at", *_TIME_ATTRIBUTES)),
        ):
            ends_at_s = expiry_of(item)
            if ends_at_s is None:
                ends_at_s = _written_s(item, updated_s) + self._kept_s
                if not self._expire(item, ends_at_s):
                    self.applied.in_use += 1
                    return
                self.applied.items += 1
            last_s = max(last_s, ends_at_s)
        # A turn that was committed meanwhile may have no expiry; then the header must have none.
        if self._expire(header, last_s + HEADER_MARGIN_S, version=number(header, "version")):
            self.applied.conversations += 1
        else:
            self.applied.in_use += 1

    def _expire(self, item: "Item", ends_at_s: int, version: int | None = None) -> bool:
        """Set an item's expiry; return False if the item changed, was deleted or has an expiry."""
        condition = "attribute_exists(pk) AND attribute_not_exists(expires_at)"
        if version is not None:
            condition += " AND version = :version"
        try:
            self._memory.update(
                keys.key(item["pk"]["S"], item["sk"]["S"]),
                "SET expires_at = :ends",
                encode_all({":ends": ends_at_s, ":version": version}),
                condition=condition,
                returns="NONE",
            )
        except ConditionFailed:
            return False
        return True


def _written_s(item: "Item", updated_s: int) -> int:
    for moment in _TIME_ATTRIBUTES:
        if moment in item:
            return number(item, moment) // 1_000
    return updated_s


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RETENTION_DAYS:
        raise argparse.ArgumentTypeError(f"{text} is not from 1 to {MAX_RETENTION_DAYS}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.apply_retention", description=__doc__)
    parser.add_argument("--endpoint-url", help="DynamoDB's address (default: AWS)")
    parser.add_argument("--table", required=True, help="name of MemoryTable")
    parser.add_argument("--days", type=_days, required=True, help="RetentionDays as deployed")
    options = parser.parse_args(arguments)
    failed = "not everything has an expiry yet"
    return run_program(lambda: _apply(options), table=options.table, failed=failed)


def _apply(options: argparse.Namespace) -> int:
    table = DynamoTable(make_client(endpoint_url=options.endpoint_url), options.table)
    applied = apply_retention(table, options.days, time.time_ns() // 1_000_000)
    print(
        f"{options.table}: {applied.conversations} conversations and {applied.items} items expire "
        f"now; {applied.in_use} conversations are in use, run the program again for them"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
