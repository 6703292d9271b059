"""``python -m ops.users.erasures``: list unfinished erasures, and repeat them on request.

It scans MemoryTable for tombstones. An erasure that runs right now is listed too.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ops.confirmation import Ask, is_confirmed
from ops.failures import run_program
from ops.stack_access import open_stack
from ops.users.arguments import add_environment, add_scan, add_yes
from ops.users.data import counts_of, finished_erasure
from ops.users.invoked_api import user_data
from ops.users.table_scan import TableScan
from repartee.adapters.dynamodb import keys
from repartee.adapters.dynamodb.sessions.items import number
from repartee_client.errors import AccessRefusedError
from repartee_client.user_data import UserData


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An erasure that was begun and is not finished.

    Attributes:
        conversation_id: The conversation; None for the whole user.
        erased_at_ms: Its start, Unix time in ms.
    """

    user_id: str
    conversation_id: str | None
    erased_at_ms: int

    def __str__(self) -> str:
        started = datetime.fromtimestamp(self.erased_at_ms // 1_000, UTC)
        part = f"conversation {self.conversation_id}" if self.conversation_id else "all data"
        return f"{started:%Y-%m-%dT%H:%M:%SZ}  {part} of {self.user_id}"


def unfinished_erasures(scan: TableScan) -> list[Unfinished]:
    """Return the unfinished erasures, the oldest first.

    The erasure of a user includes those of the user's conversations.

    Raises:
        ClientError: DynamoDB refused the request.
    """
    found = [
        Unfinished(
            item["pk"]["S"].removeprefix(keys.user("")),
            item["sk"]["S"].removeprefix(keys.CONVERSATION_PREFIX)
            if item["sk"]["S"].startswith(keys.CONVERSATION_PREFIX)
            else None,
            number(item, "erased_at_ms"),
        )
        for item in scan.items(
            "attribute_exists(erased_at_ms) AND attribute_not_exists(finished_at_ms)",
            {},
            only="pk, sk, erased_at_ms",
        )
    ]
    whole = {one.user_id for one in found if one.conversation_id is None}
    return sorted(
        (one for one in found if one.conversation_id is None or one.user_id not in whole),
        key=lambda one: one.erased_at_ms,
    )


def repeat_erasures(found: Sequence[Unfinished], data_of: Callable[[str], UserData]) -> int:
    """Repeat erasures until they are finished; return 2 if the API refused one.

    Raises:
        ClientError: Lambda refused an invocation.
    """
    status = 0
    for one in found:
        try:
            progress = asyncio.run(finished_erasure(data_of(one.user_id), one.conversation_id))
        except AccessRefusedError as error:
            print(f"{one}: {error}", file=sys.stderr)
            status = 2
        else:
            print(f"{one}: erased {counts_of(progress)}")
    return status


def _run(options: argparse.Namespace, ask: Ask) -> int:
    stack = open_stack(options.env)
    scan = TableScan(stack.dynamodb(), stack.output("MemoryTableName"), options.units_per_s)
    found = unfinished_erasures(scan)
    for one in found:
        print(one)
    print(f"{len(found)} unfinished erasures")
    if not found or not options.repeat:
        return 0
    if not options.yes and not is_confirmed(ask, f"Repeat {len(found)} erasures?"):
        print("Nothing was repeated.")
        return 1
    return repeat_erasures(found, lambda user: user_data(stack, user))


def main(arguments: Sequence[str] | None = None, ask: Ask = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.users.erasures", description=__doc__)
    add_environment(parser)
    add_scan(parser)
    add_yes(parser)
    parser.add_argument("--repeat", action="store_true", help="repeat them until they are finished")
    options = parser.parse_args(arguments)
    return run_program(
        lambda: _run(options, ask), table="MemoryTable", failed="erasures are left unfinished"
    )


if __name__ == "__main__":
    sys.exit(main())
