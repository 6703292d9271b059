"""Lambda's Invoke API over HTTP, as boto3's client calls it, and the controls of the host."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from local.lambdas.host import LambdaHost
from local.lambdas.hosting_types import (
    MAX_EVENT_PAYLOAD_BYTES,
    MAX_SYNC_PAYLOAD_BYTES,
    InitFailedError,
    ThrottledError,
    UnknownEnvironmentError,
    UnknownFunctionError,
)


def _error(status: int, kind: str, message: str, **extra: str) -> web.Response:
    return web.json_response(
        {"Type": "User", "Message": message, **extra},
        status=status,
        headers={"x-amzn-ErrorType": kind},
    )


class InvokeApi:
    """Serves ``Invoke`` and, under ``/control``, the controls of the host.

    The controls: ``GET /control/environments``,
    ``POST /control/environments/{id}/{kill|stop|continue}``,
    ``POST /control/functions/{name}/prewarm?count=N``.
    """

    def __init__(self, host: LambdaHost) -> None:
        self._host = host

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application(
            client_max_size=MAX_SYNC_PAYLOAD_BYTES * 2, middlewares=[_aws_errors]
        )
        application.add_routes(
            [
                web.post("/2015-03-31/functions/{function}/invocations", self._invoke),
                web.get("/control/environments", self._environments),
                web.post("/control/environments/{id}/{action:kill|stop|continue}", self._signal),
                web.post("/control/functions/{function}/prewarm", self._prewarm),
            ]
        )
        return application

    async def _invoke(self, request: web.Request) -> web.Response:
        payload = await request.read() or b"{}"
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        limit = MAX_EVENT_PAYLOAD_BYTES if kind == "Event" else MAX_SYNC_PAYLOAD_BYTES
        if len(payload) > limit:
            text = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
            return _error(413, "RequestTooLargeException", text)
        function = self._host.resolve(request.match_info["function"])
        if kind == "DryRun":
            return web.Response(status=204)
        if kind == "Event":
            request_id = self._host.invoke_event(function, payload)
            await self._host.watch_event(function, payload)
            return web.Response(status=202, headers={"x-amzn-RequestId": request_id})
        context = request.headers.get("X-Amz-Client-Context")
        invocation = self._host.submit(
            function, payload, base64.b64decode(context).decode() if context else None
        )
        # A caller that stops waiting does not stop the function.
        result = await asyncio.shield(invocation.result)
        headers = {
            "x-amzn-RequestId": invocation.request_id,
            "X-Amz-Executed-Version": "$LATEST",
        }
        if result.function_error is not None:
            headers["X-Amz-Function-Error"] = result.function_error
        return web.Response(body=result.payload, headers=headers, content_type="application/json")

    async def _environments(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(info) for info in self._host.environments()])

    async def _signal(self, request: web.Request) -> web.Response:
        environment_id = request.match_info["id"]
        try:
            match request.match_info["action"]:
                case "kill":
                    await self._host.kill(environment_id)
                case "stop":
                    self._host.stop(environment_id)
                case _:
                    self._host.resume(environment_id)
        except UnknownEnvironmentError as error:
            return _error(404, "ResourceNotFoundException", str(error))
        return web.json_response({})

    async def _prewarm(self, request: web.Request) -> web.Response:
        function = self._host.resolve(request.match_info["function"])
        try:
            await self._host.prewarm({function: int(request.query.get("count", "1"))})
        except InitFailedError as error:
            return _error(500, "InitFailed", str(error))
        return web.json_response({})


@web.middleware
async def _aws_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Convert the host's errors to AWS's."""
    try:
        return await handler(request)
    except UnknownFunctionError as error:
        return _error(404, "ResourceNotFoundException", f"Function not found: {error}")
    except ThrottledError:
        reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
        return _error(429, "TooManyRequestsException", "Rate Exceeded.", Reason=reason)
