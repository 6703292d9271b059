"""Starts stream agents as asynchronous Lambda invocations."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from repartee.domain.errors import StoreUnavailable
from repartee.ports.workers import WakeRequest

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class LambdaWorkerPool:
    """Queues one invocation of ``function_name`` per wake; its payload is the request as JSON.

    A repeated call, after a lost answer, may start two workers. Only one gets the lease.
    """

    def __init__(self, client: "LambdaClient", function_name: str):
        self._client = client
        self._function_name = function_name

    @classmethod
    def of(cls, function_name: str) -> Self:
        """Make the pool. Its timeouts are short, because queueing is fast."""
        config = Config(
            connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
        )
        return cls(boto3.client("lambda", config=config), function_name)

    def wake(self, request: WakeRequest) -> None:
        """Queue the invocation."""
        try:
            self._client.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=json.dumps(_payload(request)).encode(),
            )
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable("the stream agent could not be invoked") from error


def _payload(request: WakeRequest) -> dict[str, object]:
    fields = asdict(request)
    if not request.traceparent:
        del fields["traceparent"]
    return fields
