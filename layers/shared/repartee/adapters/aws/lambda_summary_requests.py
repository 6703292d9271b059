"""Requests summaries by asynchronous invocations of core_agent."""

from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from repartee.adapters.aws.core_agent_event import SummaryEvent
from repartee.domain.conversation.summary import SummaryRequest
from repartee.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class LambdaSummaryRequests:
    """Queues one invocation of ``function_name`` per request.

    A repeated delivery is harmless: a fold is written only over the summary that it was made from.
    """

    def __init__(self, client: "LambdaClient", function_name: str):
        self._client = client
        self._function_name = function_name

    @classmethod
    def of(cls, function_name: str) -> Self:
        """Make the port, with one short attempt: the renewal of a lease of 5 s waits for it."""
        config = Config(connect_timeout=0.5, read_timeout=1, retries={"total_max_attempts": 1})
        return cls(boto3.client("lambda", config=config), function_name)

    def ask(self, request: SummaryRequest) -> None:
        """Queue the invocation."""
        try:
            self._client.invoke(
                FunctionName=self._function_name,
                InvocationType="Event",
                Payload=SummaryEvent.of(request).model_dump_json().encode(),
            )
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable("core_agent could not be asked for a summary") from error
