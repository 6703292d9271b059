"""Lambda's Runtime API (2018-06-01), one port per environment."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.lambdas.environment import Environment, error_payload
from local.lambdas.hosting_types import MAX_SYNC_PAYLOAD_BYTES, InvocationResult

_PREFIX = "/2018-06-01/runtime"


class RuntimeApi:
    """Serves the runtimes.

    A runtime sends no id, and the API's address is only a host and a port. Each environment
    therefore has its own port, which identifies it.
    """

    def __init__(self, became_idle: Callable[[Environment], None]) -> None:
        self._became_idle = became_idle
        self._environments: dict[int, asyncio.Future[Environment]] = {}
        self._sites: dict[int, web.SockSite] = {}
        application = web.Application(client_max_size=MAX_SYNC_PAYLOAD_BYTES * 2)
        application.add_routes(
            [
                web.get(f"{_PREFIX}/invocation/next", self._next),
                web.post(f"{_PREFIX}/invocation/{{request_id}}/response", self._response),
                web.post(f"{_PREFIX}/invocation/{{request_id}}/error", self._error),
                web.post(f"{_PREFIX}/init/error", self._init_error),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()

    async def close(self) -> None:
        await self._runner.cleanup()

    async def serve(self, start: Callable[[str], Awaitable[Environment]]) -> Environment:
        """Open a port and start an environment that uses it."""
        listener = socket.create_server(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
        site = web.SockSite(self._runner, listener)
        await site.start()
        # A runtime may call before ``start`` has returned.
        self._environments[port] = started = asyncio.get_running_loop().create_future()
        self._sites[port] = site
        try:
            environment = await start(f"127.0.0.1:{port}")
        except BaseException:
            started.cancel()
            await self._close_port(port)
            raise
        started.set_result(environment)
        return environment

    async def forget(self, environment: Environment) -> None:
        """Close the port of an environment that has ended."""
        for port, started in list(self._environments.items()):
            if started.done() and not started.cancelled() and started.result() is environment:
                await self._close_port(port)

    async def _close_port(self, port: int) -> None:
        del self._environments[port]
        await self._sites.pop(port).stop()

    async def _caller(self, request: web.Request) -> Environment:
        if request.transport is None:
            raise web.HTTPGone
        started = self._environments.get(request.transport.get_extra_info("sockname")[1])
        if started is None:
            raise web.HTTPGone
        return await asyncio.shield(started)

    async def _next(self, request: web.Request) -> web.Response:
        environment = await self._caller(request)
        coming = environment.wait_for_invocation()
        self._became_idle(environment)
        invocation = await coming
        if invocation is None:
            raise web.HTTPGone
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": environment.hosted.function.arn,
        }
        if invocation.client_context is not None:
            headers["Lambda-Runtime-Client-Context"] = invocation.client_context
        return web.Response(
            body=invocation.payload, headers=headers, content_type="application/json"
        )

    async def _response(self, request: web.Request) -> web.Response:
        body = await request.read()
        result = InvocationResult(body)
        if len(body) > MAX_SYNC_PAYLOAD_BYTES:
            text = f"Response payload size exceeded maximum ({MAX_SYNC_PAYLOAD_BYTES} bytes)."
            result = InvocationResult(
                error_payload("Function.ResponseSizeTooLarge", text), "Unhandled"
            )
        return await self._finished(request, result)

    async def _error(self, request: web.Request) -> web.Response:
        return await self._finished(request, InvocationResult(await request.read(), "Unhandled"))

    async def _finished(self, request: web.Request, result: InvocationResult) -> web.Response:
        environment = await self._caller(request)
        if not environment.finish(request.match_info["request_id"], result):
            return web.json_response(
                {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}, status=400
            )
        return web.json_response({"status": "OK"}, status=202)

    async def _init_error(self, request: web.Request) -> web.Response:
        environment = await self._caller(request)
        environment.init_error = await request.read()
        return web.json_response({"status": "OK"}, status=202)
