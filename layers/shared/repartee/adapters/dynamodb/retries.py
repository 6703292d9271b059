"""How failures of DynamoDB become ours, and how long a transaction is tried."""

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
# What may pass by itself. Source: DynamoDB developer guide, "Error handling"; botocore's model.
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
# No answer came: not reached, cut off, or too slow. Other errors of botocore are mistakes of ours.
_CONNECTION_ERRORS = (ConnectionError, HTTPClientError)
# Reasons inside TransactionCanceledException that say nothing about our conditions.
_TRANSIENT_REASONS = frozenset(
    {"TransactionConflict", "ProvisionedThroughputExceeded", "ThrottlingError"}
)
_CONDITION_FAILED = "ConditionalCheckFailed"


class ConditionFailed(Exception):
    """A single write's condition did not hold.

    Attributes:
        item: The item as it was, None where there was none or it was not asked for.
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
        """Tell whether the condition of the transaction's ``index``-th write did not hold."""
        return index in self._failed

    def item(self, index: int) -> "Item | None":
        """Return that write's item as it was, None where there was none or it was not asked for."""
        return self._failed.get(index)


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def _is_transient(error: ClientError) -> bool:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    # Lambda froze the environment between signing and sending. A retry is signed again.
    is_late = code == "InvalidSignatureException" and message.startswith("Signature expired")
    return is_late or code in _TRANSIENT_CODES or _status(error) >= 500


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what the SDK gave up on into our errors; mistakes of ours pass through.

    Raises:
        StoreUnavailable: Throttled, failed or not reached. A write may have happened all the same.
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
        attempts: Tries in all. The caps before the last of 6 sum up to 775 ms.
        sleep: Waits so many seconds.
        jitter: Returns a number from 0 up to 1.
    """

    attempts: int = 6
    first_cap_s: float = 0.025
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def each_attempt(self) -> Iterator[None]:
        """Yield as often as something may be tried; wait before all but the first."""
        for number in range(self.attempts):
            if number:
                self.sleep(self.first_cap_s * 2 ** (number - 1) * self.jitter())
            yield


def write_one[T](write: Callable[[], T], backoff: Backoff) -> T:
    """Carry out a single write, again if a transaction has hold of its item.

    The SDK repeats by itself what was throttled or not answered, but not this; nothing was written.

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

    Conflicts, throttling and failures that leave the outcome open are tried again with the same
    token, which DynamoDB remembers for 10 min: writes that had happened do not happen twice.

    Args:
        client: A low-level client.
        writes: At most 100.
        backoff: How often and with which waits to try.
        token: At most 36 characters; the same for the same writes only. None makes a random one.

    Raises:
        TransactionRefused: A condition did not hold.
        StoreUnavailable: Every attempt failed. The writes may have happened all the same.
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
