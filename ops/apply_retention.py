"""Lets what was written while ``RetentionDays`` was 0 expire too, once that is set.

A deployment changes only what is written from then on: items without a time stay as they are. This
gives them the time that they would have had. It can be repeated, and interrupted, at any moment.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

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

# When something was written, by the first of these that it has; a summary has none.
_TIME_ATTRIBUTES = ("ended_at_ms", "finished_at_ms", "claimed_until_ms")


@dataclass(slots=True)
class RetentionResult:
    """What got a time.

    Attributes:
        conversations: Whose headers did, after everything that they lead to.
        items: Turns, calls, summaries and days that did.
        in_use: Conversations that were written to meanwhile; the next run does them.
    """

    conversations: int = 0
    items: int = 0
    in_use: int = 0


def apply_retention(memory: DynamoTable, days: int, now_ms: int) -> RetentionResult:
    """Give every conversation and day of usage without a time one, ``days`` after its writing.

    Args:
        memory: MemoryTable.
        days: As ``RetentionDays``, at least 1.
        now_ms: Unix time in ms.

    Raises:
        StoreUnavailable: The table failed beyond the retries.
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
        """Let a day of usage go, counted from its end: nobody noted its last write."""
        day = date.fromisoformat(item["sk"]["S"].removeprefix(keys.USAGE_PREFIX))
        end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
        if self._expire(item, int(end.timestamp()) + self._kept_s):
            self.applied.items += 1

    def conversation(self, header: "Item") -> None:
        """Let all that a header leads to go, and then the header itself."""
        updated_s = number(header, "updated_at_ms") // 1_000
        # Deletions may be 48 h late, and a session may be about to write: from today at least.
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
        # A turn that was committed since may never expire, and then the header must not either.
        if self._expire(header, last_s + HEADER_MARGIN_S, version=number(header, "version")):
            self.applied.conversations += 1
        else:
            self.applied.in_use += 1

    def _expire(self, item: "Item", ends_at_s: int, version: int | None = None) -> bool:
        """Set when an item expires, unless somebody was first, or it is gone or newer."""
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
        raise argparse.ArgumentTypeError(f"days go from 1 to {MAX_RETENTION_DAYS}, not {text}")
    return int(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint-url", help="DynamoDB's address; AWS's own by default")
    parser.add_argument("--table", required=True, help="name of MemoryTable")
    parser.add_argument("--days", type=_days, required=True, help="RetentionDays as deployed")
    options = parser.parse_args()
    table = DynamoTable(make_client(endpoint_url=options.endpoint_url), options.table)
    applied = apply_retention(table, options.days, time.time_ns() // 1_000_000)
    print(
        f"{options.table}: {applied.conversations} conversations and {applied.items} items expire "
        f"now; {applied.in_use} conversations are in use, run this again for them"
    )


if __name__ == "__main__":
    main()
