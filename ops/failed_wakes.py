"""``python -m ops.failed_wakes``: show the on-failure queue, grouped by condition and function.

It deletes nothing, unless ``--purge`` is given: then it asks, and deletes what it has shown.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from ops.confirmation import Ask, is_confirmed
from ops.failures import run_program
from ops.stack_access import open_stack
from ops.users.arguments import add_environment, add_yes, positive

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

# No second reader sees the messages for so long, unless they are released before.
_HIDDEN_S = 300
# SQS takes no more in a request.
_BATCH = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """A message of the queue.

    Attributes:
        receipt: SQS's handle of this reading.
        function: The name of the function that was not invoked, or failed.
        condition: Lambda's reason, such as ``EventAgeExceeded``.
        error: The type of the function's error; "" if it did not run.
        at: When Lambda gave up, as text in ISO 8601.
        session_id: The session that the event names; "" for none.
    """

    receipt: str
    function: str = "unknown function"
    condition: str = "unknown condition"
    error: str = ""
    at: str = ""
    session_id: str = ""


def failure_from(receipt: str, body: str) -> Failure:
    """Read a message. Source: Lambda's developer guide, "Destinations", invocation record."""
    try:
        record = json.loads(body)
        context = record["requestContext"]
        # arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER
        function = context["functionArn"].split(":")[6]
        condition, at = str(context["condition"]), str(record["timestamp"])
    except (ValueError, LookupError, TypeError, AttributeError):
        return Failure(receipt)
    return Failure(
        receipt,
        function,
        condition,
        str(_member(record.get("responsePayload"), "errorType")),
        at,
        str(_member(record.get("requestPayload"), "session_id")),
    )


def _member(value: Any, name: str) -> Any:
    return value.get(name, "") if isinstance(value, dict) else ""


def peek(sqs: "SQSClient", queue: str, limit: int) -> list[Failure]:
    """Read up to ``limit`` messages and hide them from other readers for five minutes.

    Raises:
        ClientError: SQS refused the request.
    """
    found: list[Failure] = []
    while len(found) < limit:
        answer = sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=min(_BATCH, limit - len(found)),
            VisibilityTimeout=_HIDDEN_S,
            # A long poll asks all of SQS's servers. A short one may find nothing in a full queue.
            WaitTimeSeconds=1,
        )
        if not (messages := answer.get("Messages")):
            break
        found += [failure_from(one["ReceiptHandle"], one["Body"]) for one in messages]
    return found


def release(sqs: "SQSClient", queue: str, found: Iterable[Failure]) -> None:
    """Show the messages to other readers again."""
    for batch in batched(found, _BATCH, strict=False):
        sqs.change_message_visibility_batch(
            QueueUrl=queue,
            Entries=[
                {"Id": str(index), "ReceiptHandle": one.receipt, "VisibilityTimeout": 0}
                for index, one in enumerate(batch)
            ],
        )


def purge(sqs: "SQSClient", queue: str, found: Iterable[Failure]) -> int:
    """Delete the messages; return how many SQS did not delete."""
    left = 0
    for batch in batched(found, _BATCH, strict=False):
        answer = sqs.delete_message_batch(
            QueueUrl=queue,
            Entries=[
                {"Id": str(index), "ReceiptHandle": one.receipt} for index, one in enumerate(batch)
            ],
        )
        left += len(answer.get("Failed", []))
    return left


def report(found: Iterable[Failure]) -> list[str]:
    """Return a line for each condition, function and error, the largest group first."""
    groups: dict[tuple[str, str, str], list[Failure]] = {}
    for one in found:
        groups.setdefault((one.condition, one.function, one.error), []).append(one)
    lines = []
    for (condition, function, error), members in sorted(
        groups.items(), key=lambda group: (-len(group[1]), group[0])
    ):
        members.sort(key=lambda one: one.at)
        newest = members[-1]
        session = f", session {newest.session_id}" if newest.session_id else ""
        lines.append(
            f"{len(members):>6}  {condition}  {function}{f' ({error})' if error else ''}  "
            f"from {members[0].at or '?'} to {newest.at or '?'}{session}"
        )
    return lines


def run(sqs: "SQSClient", queue: str, options: argparse.Namespace, ask: Ask) -> int:
    """Show the queue, and delete what was shown if the operator wants that."""
    found = peek(sqs, queue, options.limit)
    deleted = False
    try:
        print("\n".join([*report(found), f"{len(found)} messages"]))
        if len(found) == options.limit:
            print("There may be more: raise the limit.")
        if not options.purge or not found:
            return 0
        if not options.yes and not is_confirmed(ask, f"Delete these {len(found)} messages?"):
            print("Nothing was deleted.")
            return 1
        deleted = True
        left = purge(sqs, queue, found)
        print(f"{len(found) - left} messages deleted" + (f", {left} are left" if left else ""))
        return 2 if left else 0
    finally:
        if not deleted:
            release(sqs, queue, found)


def _run(options: argparse.Namespace, ask: Ask) -> int:
    stack = open_stack(options.env)
    return run(stack.sqs(), stack.output("OnFailureQueueUrl"), options, ask)


def main(arguments: Sequence[str] | None = None, ask: Ask = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.failed_wakes", description=__doc__)
    add_environment(parser)
    add_yes(parser)
    parser.add_argument(
        "--limit", type=positive, default=1_000, help="messages to read (default: %(default)s)"
    )
    parser.add_argument(
        "--purge", action="store_true", help="delete what is shown, after a question"
    )
    options = parser.parse_args(arguments)
    failed = "nothing was deleted" if options.purge else "the queue cannot be read"
    return run_program(lambda: _run(options, ask), table="OnFailureQueue", failed=failed)


if __name__ == "__main__":
    sys.exit(main())
