"""Lambda's client in front of the HTTP API on fakes."""

import io
import json
from typing import Any

from ops.stack_access import StackAccess
from tests.unit.functions.http_api.harness import HttpApiHarness

FUNCTION = "repartee-dev-http-api"
OUTPUTS = {
    "HttpApiFunctionName": FUNCTION,
    "MemoryTableName": "MemoryTable",
    "OnFailureQueueUrl": "https://queue",
}


class FunctionDouble:
    """Passes the events to the function's own application.

    Attributes:
        remaining_ms: Remaining times of the invocations, the next one first; then plenty.
        failure: What the function answers instead.
        requests: Method and path with query of each invocation.
    """

    def __init__(self, api: HttpApiHarness) -> None:
        self._api = api
        self.remaining_ms: list[int] = []
        self.failure: dict[str, str] | None = None
        self.requests: list[str] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert FunctionName == FUNCTION
        if self.failure is not None:
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps(self.failure).encode()),
            }
        event = json.loads(Payload)
        query = f"?{event['rawQueryString']}" if event["rawQueryString"] else ""
        http = event["requestContext"]["http"]
        self.requests.append(f"{http['method']} {event['rawPath']}{query}")
        answer = self._api.application.handle(event, _Context(self.remaining_ms))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


class _Context:
    def __init__(self, remaining_ms: list[int]) -> None:
        self._remaining_ms = remaining_ms.pop(0) if remaining_ms else 29_000

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms


def stack_of(lambdas: object, dynamodb: object = None, sqs: object = None) -> StackAccess:
    """Return a stack whose clients are doubles."""
    clients = {"lambda": lambdas, "dynamodb": dynamodb, "sqs": sqs}
    return StackAccess("repartee-dev", OUTPUTS, clients.__getitem__)
