"""Calls the HTTP API for a user who cannot sign in, by invoking its function."""

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ops.stack_access import StackAccess
from repartee_client.errors import AccessRefusedError
from repartee_client.user_data import UserData

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


class FunctionFailedError(ValueError):
    """The function ended with an error; the message has its type."""


@dataclass(frozen=True, slots=True)
class InvokedApi:
    """The HTTP API on behalf of a user, without a token. See ``UserApi``.

    Attributes:
        client: A client of Lambda.
        function: The name of the HTTP API's function.
        user_id: The user.
    """

    client: "LambdaClient"
    function: str
    user_id: str

    async def request(self, target: str, method: str, path: str, body: Any = None) -> Any:
        """Invoke the function and return the JSON of its answer.

        Raises:
            AccessRefusedError: The API refused the request.
            FunctionFailedError: The function failed.
            ClientError: Lambda refused the invocation.
        """
        event = json.dumps(self._event(method, path, body))
        answer = await asyncio.to_thread(self._invoke, event)
        content = json.loads(answer.get("body") or "null")
        status = answer["statusCode"]
        if status < HTTPStatus.BAD_REQUEST:
            return content
        problem = content if isinstance(content, dict) else {}
        wait = str(answer.get("headers", {}).get("retry-after", ""))
        raise AccessRefusedError(
            target,
            status,
            str(problem.get("detail", "")),
            code=str(problem.get("code", "")),
            retry_after_s=int(wait) if wait.isdecimal() else None,
            problem=problem,
        )

    def _invoke(self, event: str) -> dict[str, Any]:
        invoked = self.client.invoke(FunctionName=self.function, Payload=event.encode())
        payload: dict[str, Any] = json.loads(invoked["Payload"].read())
        if invoked.get("FunctionError"):
            raise FunctionFailedError(
                f"{self.function} failed: {payload.get('errorType', 'unknown error')}; see its log"
            )
        return payload

    def _event(self, method: str, path: str, body: Any) -> dict[str, Any]:
        path, _, query = path.partition("?")
        return {
            "version": "2.0",
            "routeKey": "ANY /{proxy+}",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {},
            "requestContext": {
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                },
                "authorizer": {"jwt": {"claims": {"sub": self.user_id}}},
            },
            "body": None if body is None else json.dumps(body),
            "isBase64Encoded": False,
        }


def user_data(stack: StackAccess, user_id: str) -> UserData:
    """Return the export and the erasure of a user's data."""
    return UserData(InvokedApi(stack.lambdas(), stack.output("HttpApiFunctionName"), user_id))
