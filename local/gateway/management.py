"""The ``@connections`` API over HTTP, as boto3's client calls it, and the gateway's controls."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web
from pydantic import ValidationError

from local.gateway.chaos import ChaosSettings, GatewayChaos
from local.gateway.connections import Connections, GoneError, SlowClientError


def _error(status: int, kind: str, message: str) -> web.Response:
    return web.json_response(
        {"message": message}, status=status, headers={"x-amzn-ErrorType": kind}
    )


def _time(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class ManagementApi:
    """Serves ``/{stage}/@connections/{id}`` and, under ``/control``, the gateway's controls.

    The controls: ``GET`` and ``PUT /control/chaos`` (a ``ChaosSettings`` as JSON),
    ``GET /control/connections``, ``POST /control/connections/{id}/drop`` (breaks the connection
    without a close frame).
    """

    def __init__(
        self, connections: Connections, chaos: GatewayChaos, stage: str, message_bytes: int
    ) -> None:
        self._connections = connections
        self._chaos = chaos
        self._stage = stage
        self._message_bytes = message_bytes

    def application(self) -> web.Application:
        """Return the HTTP application."""
        application = web.Application(
            client_max_size=self._message_bytes * 4, middlewares=[_aws_errors]
        )
        path = f"/{self._stage}/@connections/{{id}}"
        application.add_routes(
            [
                web.post(path, self._post),
                web.get(path, self._get),
                web.delete(path, self._delete),
                web.get("/control/chaos", self._get_chaos),
                web.put("/control/chaos", self._put_chaos),
                web.get("/control/connections", self._list),
                web.post("/control/connections/{id}/drop", self._drop),
            ]
        )
        return application

    async def _post(self, request: web.Request) -> web.Response:
        data = await request.read()
        if len(data) > self._message_bytes:
            return _error(413, "PayloadTooLargeException", "Message too long")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # AWS does not document whether it sends a binary frame, so clients cannot rely on it.
            return _error(400, "BadRequestException", "Only text can be posted")
        await self._connections.post(request.match_info["id"], text)
        return web.Response(status=200)

    async def _get(self, request: web.Request) -> web.Response:
        connection = self._connections.get(request.match_info["id"])
        handshake = connection.context.handshake
        return web.json_response(
            {
                "connectedAt": _time(connection.context.connected_at_ms / 1000),
                "identity": {
                    "sourceIp": handshake.source_ip,
                    "userAgent": handshake.header("User-Agent") or "",
                },
                "lastActiveAt": _time(connection.last_active_at_s),
            }
        )

    async def _delete(self, request: web.Request) -> web.Response:
        await self._connections.get(request.match_info["id"]).close(1000, "")
        return web.Response(status=204)

    async def _get_chaos(self, _request: web.Request) -> web.Response:
        return web.json_response(self._chaos.settings.model_dump())

    async def _put_chaos(self, request: web.Request) -> web.Response:
        try:
            self._chaos.settings = ChaosSettings.model_validate_json(await request.read())
        except ValidationError as error:
            return _error(400, "BadRequestException", str(error))
        return web.json_response(self._chaos.settings.model_dump())

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response(
            [
                {"id": connection.context.connection_id, "number": connection.number}
                for connection in self._connections.all()
            ]
        )

    async def _drop(self, request: web.Request) -> web.Response:
        self._connections.get(request.match_info["id"]).break_connection()
        return web.json_response({})


@web.middleware
async def _aws_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Convert the gateway's errors to AWS's."""
    try:
        return await handler(request)
    except GoneError:
        return _error(410, "GoneException", "Gone")
    except SlowClientError:
        return _error(429, "LimitExceededException", "Too Many Requests")
