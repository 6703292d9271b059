"""Translates failures of DynamoDB, and retries transactions."""

import random
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from repartee.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from repartee.adapters.dynamodb.keys import Item

_CONFLICT = "TransactionConflictException"
# A retry may succeed. Source: DynamoDB developer guide, "Error handling"; botocore's model.
_TRANSIENT_CODES = frozenset(
    {
        "InternalServerError",
        "InternalFailure",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        _CONFLICT,
        "TransactionInProgressException",
    }
)
# There was no answer: not reached, cut off, or too slow. Other errors of botocore are faults here.
_CONNECTION_ERRORS = (ConnectionError, HTTPClientError)
# Reasons in TransactionCanceledException that are not failed conditions.
_TRANSIENT_REASONS = frozenset(
    {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}
)
_CONDITION_FAILED = "ConditionalCheckFailed"


class ConditionFailed(Exception):
    """A single write's condition did not hold.

    Attributes:
        item: The stored item; None if there was none or it was not requested.
    """

    def __init__(self, item: "Item | None") -> None:
        super().__init__("condition failed")
        self.item = item


class TransactionRefused(Exception):
    """At least one condition of a transaction did not hold; nothing was written."""

    def __init__(self, failed: "dict[int, Item | None]") -> None:
        super().__init__(f"conditions failed at {sorted(failed)}")
        self._failed = failed

    def failed(self, index: int) -> bool:
        """Return whether the condition of the transaction's ``index``-th write failed."""
        return index in self._failed

    def item(self, index: int) -> "Item | None":
        """Return that write's stored item, None if there was none or it was not requested."""
        return self._failed.get(index)


def _is_transient(error: ClientError) -> bool:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    # Lambda froze the environment between signing and sending. A retry is signed again.
    is_late = code == "InvalidSignatureException" and message.startswith("Signature expired")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return is_late or code in _TRANSIENT_CODES or status >= 500


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors that remain after the SDK's retries; faults of this code pass through.

    Raises:
        StoreUnavailable: Throttled, failed or not reached. A write may still have happened.
        ConditionFailed: A conditional write was refused.
    """
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            item = cast("Item | None", error.response.get("Item"))
            raise ConditionFailed(item) from None
        if _is_transient(error):
            raise StoreUnavailable(error.response["Error"]["Code"]) from error
        raise
    except _CONNECTION_ERRORS as error:
        raise StoreUnavailable(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits between attempts: full jitter under a doubling cap.

    Attributes:
        attempts: The number of attempts. The caps before the last of 6 add up to 775 ms.
        sleep: Waits for a number of seconds.
        jitter: Returns a number from 0 up to 1.
    """

    attempts: int = 6
    first_cap_s: float = 0.025
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def each_attempt(self) -> Iterator[None]:
        """Yield once per attempt; wait before each one except the first."""
        for number in range(self.attempts):
            if number:
                self.sleep(self.first_cap_s * 2 ** (number - 1) * self.jitter())
            yield


def write_one[T](write: Callable[[], T], backoff: Backoff) -> T:
    """Carry out a single write; repeat it if it conflicts with a transaction.

    The SDK retries after throttling and lost answers, but not after such a conflict, which writes
    nothing.

    Raises:
        StoreUnavailable, ConditionFailed: As ``translate_errors``.
    """
    with translate_errors():
        for _ in backoff.each_attempt():
            try:
                return write()
            except ClientError as error:
                if error.response["Error"]["Code"] != _CONFLICT:
                    raise
                conflict = error
        raise conflict


def _failed_conditions(error: ClientError) -> "dict[int, Item | None]":
    reasons = error.response.get("CancellationReasons", [])
    return {
        index: cast("Item | None", reason.get("Item"))
        for index, reason in enumerate(reasons)
        if reason.get("Code") == _CONDITION_FAILED
    }


def transact(
    client: "DynamoDBClient",
    writes: "Sequence[TransactWriteItemTypeDef]",
    *,
    backoff: Backoff,
    token: str | None = None,
) -> None:
    """Carry out all of ``writes`` or none.

    Conflicts, throttling and failures with an unknown outcome are retried with the same token.
    DynamoDB remembers it for 10 min, so the writes do not happen twice.

    Args:
        client: A low-level client.
        writes: At most 100.
        backoff: The number of attempts and the waits between them.
        token: At most 36 characters; equal tokens need equal writes. None makes a random one.

    Raises:
        TransactionRefused: A condition did not hold.
        StoreUnavailable: Every attempt failed. The writes may still have happened.
    """
    token = token or secrets.token_hex(16)
    for _ in backoff.each_attempt():
        try:
            client.transact_write_items(TransactItems=writes, ClientRequestToken=token)
            return
        except _CONNECTION_ERRORS as error:
            failure: Exception = error
        except ClientError as error:
            _raise_unless_transient(error)
            failure = error
    raise StoreUnavailable(f"transaction failed {backoff.attempts} times") from failure


def _raise_unless_transient(error: ClientError) -> None:
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        if not _is_transient(error):
            raise error
        return
    if failed := _failed_conditions(error):
        raise TransactionRefused(failed) from None
    reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
    if not reasons & _TRANSIENT_REASONS:
        raise error
