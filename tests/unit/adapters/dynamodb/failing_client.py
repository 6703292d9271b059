"""A DynamoDB client that fails as the test says, and waits that take no time."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from repartee.adapters.dynamodb.conversations.writer import DynamoConversationWriter
from repartee.adapters.dynamodb.retries import Backoff
from repartee.adapters.dynamodb.table import DynamoTable
from repartee.domain.conversation.conversation import Turn
from repartee.domain.session.state import TurnCommit
from repartee.domain.users.retention import KEEP_FOREVER

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

COMMIT = TurnCommit("user", "talk", "session", 1, Turn(1, "session", 0, 9), 4, 10)


def failure(code: str, status: int = 400, **more: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "raised by the test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, "Operation")


def cancelled(*codes: str) -> ClientError:
    return failure("TransactionCanceledException", CancellationReasons=[{"Code": c} for c in codes])


class FailingClient:
    """A DynamoDB client whose calls have the given outcomes in order. The last one repeats.

    Attributes:
        calls: The parameters of every call, by operation, in order.
    """

    def __init__(self, *outcomes: Exception | dict[str, Any]) -> None:
        self._outcomes = list(outcomes)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**parameters: Any) -> dict[str, Any]:
            self.calls.append((operation, parameters))
            outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return call


def as_client(failing: FailingClient) -> "DynamoDBClient":
    return cast("DynamoDBClient", failing)


class Waits:
    """Records how long was waited instead of waiting; the jitter is always the whole cap."""

    def __init__(self, attempts: int = 4) -> None:
        self.seconds: list[float] = []
        self.backoff = Backoff(
            attempts=attempts, first_cap_s=0.1, sleep=self.seconds.append, jitter=lambda: 1.0
        )


def table(failing: FailingClient, name: str, waits: Waits | None = None) -> DynamoTable:
    return DynamoTable(as_client(failing), name, (waits or Waits()).backoff)


def writer_on(failing: FailingClient) -> DynamoConversationWriter:
    return DynamoConversationWriter(
        session_table=table(failing, "live"),
        memory=table(failing, "memory"),
        retention=KEEP_FOREVER,
    )


def name(error: object) -> str:
    if isinstance(error, ClientError):
        reasons = error.response.get("CancellationReasons", [])
        return "-".join([error.response["Error"]["Code"], *(r["Code"] for r in reasons)])
    return type(error).__name__
