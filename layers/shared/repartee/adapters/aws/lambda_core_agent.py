"""Asks core_agent: invokes its function and waits for the result."""

import math
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from repartee.adapters.aws.client_context import write_trace_context
from repartee.adapters.aws.core_agent_event import AnswerEvent, RequestEvent
from repartee.domain.errors import CoreAgentFailed
from repartee.domain.tools.core_calls import CoreAnswer, CoreRequest
from repartee.ports.runtime import Clock

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient

_TRANSIENT_CODES = frozenset(
    {
        "TooManyRequestsException",
        "ThrottlingException",
        "ServiceException",
        "ResourceNotReadyException",
        "ResourceConflictException",
        "EC2ThrottledException",
        "ENILimitReachedException",
    }
)
"""Error codes of Lambda's Invoke after which a retry may succeed."""


def lambda_client(read_timeout_s: int) -> "LambdaClient":
    """Return a client that makes one attempt and waits ``read_timeout_s`` for the answer.

    With retries, the SDK would repeat an invocation whose answer was lost, and run a model twice.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        read_timeout=read_timeout_s, connect_timeout=2, retries={"total_max_attempts": 1}
    )
    return boto3.client("lambda", config=config)


class _Context(TypedDict, total=False):
    ClientContext: str


class LambdaCoreAgent:
    """A ``CoreAgent`` in a Lambda function. Safe to use from several threads.

    Args:
        function: Name or ARN of core_agent's function.
        make_client: Makes a client with a read timeout in s. A botocore client cannot change its
            timeout, so there is one client per whole second; deadlines vary little.
    """

    def __init__(
        self,
        function: str,
        clock: Clock,
        make_client: Callable[[int], "LambdaClient"] = lambda_client,
    ):
        self._function = function
        self._clock = clock
        self._client = lru_cache(maxsize=4)(make_client)
        # boto3's default session must not make two clients at the same time.
        self._making = Lock()

    def ask(self, request: CoreRequest) -> CoreAnswer:
        """Wait for the answer, at most until the request's deadline, rounded up to a second.

        Raises:
            CoreAgentFailed: core_agent could not be reached, failed, or took too long.
        """
        left_ms = request.deadline_ms - self._clock.now_ms()
        if left_ms <= 0:
            raise CoreAgentFailed("no time left to ask core_agent", retryable=True)
        with self._making:
            client = self._client(math.ceil(left_ms / 1000))
        payload = RequestEvent.of(request).model_dump_json().encode()
        context: _Context = {}
        if request.traceparent:
            context = {"ClientContext": write_trace_context(request.traceparent)}
        try:
            response = client.invoke(FunctionName=self._function, Payload=payload, **context)
            body = response["Payload"].read()
        except ClientError as error:
            raise CoreAgentFailed(
                "core_agent was not invoked", retryable=_is_transient(error)
            ) from error
        except BotoCoreError as error:
            raise CoreAgentFailed(
                f"core_agent did not answer: {type(error).__name__}", retryable=True
            ) from error
        if response.get("FunctionError"):
            # A crash or a timeout of the function. Its log has the reason.
            raise CoreAgentFailed("core_agent failed", retryable=True, has_ended=True)
        try:
            return AnswerEvent.model_validate_json(body).reply()
        except ValidationError as error:
            raise CoreAgentFailed("core_agent's answer is malformed", retryable=False) from error


def _is_transient(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or error.response.get("Error", {}).get("Code") in _TRANSIENT_CODES
