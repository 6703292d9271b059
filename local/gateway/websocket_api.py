"""Serves the template's WebSocket API with AWS's limits, which SAM does not offer locally."""

import asyncio
import json
import logging
from collections.abc import Coroutine, Sequence
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.typing import Subprotocol

from local.cloudwatch.aws_metrics import AwsMetrics, WebSocketMetrics
from local.gateway.chaos import GatewayChaos
from local.gateway.connections import Connection, Connections
from local.gateway.handshakes import HandshakeHandler, Refusal
from local.gateway.settings import GatewaySettings
from local.gateway.websocket_events import (
    Api,
    ConnectionContext,
    Handshake,
    disconnect_event,
    message_event,
)
from local.hosting.timers import Timers, within
from local.lambdas.hosting_types import InvocationResult, Invoker, ThrottledError
from local.template.model import WebSocketApi, WebSocketRoute

_BODY_FIELD = "$request.body."
_GOING_AWAY = (1001, "Going away")
_CLOSE_TIMEOUT_S = 2.0
_logger = logging.getLogger(__name__)


class _Socket(ServerConnection):
    """A connection with the results of its handshake."""

    context: ConnectionContext | None = None
    accepted_subprotocol: str | None = None
    admitted = False
    started = False

    def lost_before_start(self) -> None:
        """Handle the loss of the client between ``$connect``'s answer and the handshake's end."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.admitted and not self.started:
            self.lost_before_start()


class WebSocketGateway:
    """Serves one WebSocket API of the template.

    Args:
        api: The routes and the authorizer.
        invoker: Calls the functions.
        host: The address to listen on.
        port: The port; 0 selects a free one.
        settings: The limits.
        timers: The clock for every timeout.
        chaos: The faults.
        metrics: Counts what API Gateway would publish.
    """

    def __init__(
        self,
        api: WebSocketApi,
        invoker: Invoker,
        *,
        host: str,
        port: int,
        settings: GatewaySettings,
        timers: Timers,
        chaos: GatewayChaos,
        metrics: AwsMetrics | None = None,
    ) -> None:
        dimensions = {"ApiId": api.logical_id, "Stage": api.stage}
        self._metrics = WebSocketMetrics(metrics or AwsMetrics(), dimensions)
        self.connections = Connections(settings, timers, chaos, self._metrics)
        self._api = api
        self._invoker = invoker
        self._host = host
        self._port = port
        self._settings = settings
        self._timers = timers
        self._chaos = chaos
        self._handshakes = HandshakeHandler(api, invoker, timers, self._metrics)
        self._server: Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connection_number = 0
        self._stopping = False
        # Most templates have no routes by body, so messages need not be parsed.
        self._selects_by_body = bool(
            api.routes.keys() - {"$connect", "$default", "$disconnect"}
        ) and api.route_selection_expression.startswith(_BODY_FIELD)

    @property
    def port(self) -> int:
        """The port of the server."""
        return self._port

    @property
    def newest_connection_number(self) -> int:
        """The number of the newest connection."""
        return self._connection_number

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"ws://{self._host}:{self._port}/{self._api.stage}"

    async def __aenter__(self) -> "WebSocketGateway":
        gateway = self

        class BoundSocket(_Socket):
            """A socket of this gateway."""

            def lost_before_start(self) -> None:
                gateway.lost_before_start(self)

        self._server = await serve(
            self._serve,
            self._host,
            self._port,
            create_connection=BoundSocket,
            process_request=self._open,
            select_subprotocol=_selected_subprotocol,
            compression=None,
            max_size=(self._settings.message_bytes, self._settings.frame_bytes),
            write_limit=self._settings.client_buffer_bytes,
            open_timeout=None,
            ping_interval=None,
            close_timeout=_CLOSE_TIMEOUT_S,
            logger=_logger,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        if self._server is not None:
            self._server.close(code=_GOING_AWAY[0], reason=_GOING_AWAY[1])
            await self._server.wait_closed()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lost_before_start(self, socket: _Socket) -> None:
        """Deliver ``$disconnect`` for a client that vanished during its handshake."""
        if socket.context is not None and not self._stopping:
            self._spawn(self._disconnected(socket.context, 1006, ""))

    async def _open(self, socket: ServerConnection, request: Request) -> Response | None:
        if not isinstance(socket, _Socket):
            raise TypeError("the server makes its own sockets")
        api = Api(self._api.logical_id, self._api.stage, f"{self._host}:{self._port}")
        headers = list(request.headers.raw_items())
        handshake = Handshake(request.path, headers, str(socket.remote_address[0]))
        connected_at_ms = int(self._timers.now_s() * 1000)
        context = ConnectionContext(api, handshake, connected_at_ms)
        try:
            answer = await self._handshakes.open(context)
        except Refusal as refusal:
            return _refused(refusal)
        socket.context = context
        socket.accepted_subprotocol = answer.subprotocol
        if socket.state is State.CONNECTING:
            socket.admitted = True
        else:
            socket.lost_before_start()
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        if not isinstance(socket, _Socket) or socket.context is None:
            raise TypeError("a connection without a handshake")
        socket.started = True
        self._connection_number += 1
        connection = Connection(
            self._connection_number, socket.context, socket, self._timers.now_s()
        )
        self.connections.add(connection)
        ageing = asyncio.create_task(self._close_at_time_limit(connection))
        try:
            await self._receive(connection)
        finally:
            ageing.cancel()
            self.connections.remove(connection)
            if not self._stopping and not self._chaos.drops_disconnect(connection.number):
                self._spawn(self._disconnected(connection.context, *connection.ended_with()))

    async def _receive(self, connection: Connection) -> None:
        while True:
            try:
                message = await connection.socket.recv()
            except ConnectionClosed:
                return
            if connection.is_dead:
                continue
            connection.last_active_at_s = self._timers.now_s()
            if isinstance(message, bytes):
                await connection.close(1003, "Binary is not supported on this endpoint")
                return
            connection.messages += 1
            self._metrics.message()
            route = self._route(message)
            key = "$default" if route is None else route.route_key
            event = message_event(connection.context, key, message, self._timers.now_s())
            delays_s = self._chaos.deliveries_s(connection.number, connection.messages)
            for delay_s in delays_s:
                number = connection.messages
                self._spawn(self._deliver(connection, route, event, number, delay_s))

    def _route(self, message: str) -> WebSocketRoute | None:
        default = self._api.routes.get("$default")
        if not self._selects_by_body:
            return default
        try:
            value = json.loads(message)
            for name in self._api.route_selection_expression.removeprefix(_BODY_FIELD).split("."):
                value = value[name]
            return self._api.routes.get(value, default)
        except (ValueError, KeyError, TypeError):
            return default

    async def _deliver(
        self,
        connection: Connection,
        route: WebSocketRoute | None,
        event: dict[str, Any],
        number: int,
        delay_s: float,
    ) -> None:
        if delay_s:
            await self._timers.sleep(delay_s)
        self._chaos.delivered(connection.number, number)
        request_id = event["requestContext"]["requestId"]
        if route is None:
            self._metrics.refused()
            await self._send_error(connection, "Forbidden", request_id)
            return
        started_at_s = self._timers.now_s()
        try:
            result = await within(
                self._timers,
                route.integration_timeout_ms / 1000,
                self._invoker.invoke(route.function, json.dumps(event).encode()),
            )
        except (TimeoutError, ThrottledError) as error:
            is_late = isinstance(error, TimeoutError)
            text = "Endpoint request timed out" if is_late else "Internal server error"
            self._metrics.integrated(route.route_key, None, status=None)
            await self._send_error(connection, text, request_id)
            return
        latency_ms = (self._timers.now_s() - started_at_s) * 1000
        answer = _proxy_response(result)
        status = None if answer is None else answer["statusCode"]
        self._metrics.integrated(route.route_key, latency_ms, status=status)
        if answer is None:
            await self._send_error(connection, "Internal server error", request_id)
        elif route.has_response and "body" in answer:
            await self._send(connection, str(answer["body"]))

    async def _send_error(self, connection: Connection, message: str, request_id: str) -> None:
        connection_id = connection.context.connection_id
        fields = {"message": message, "connectionId": connection_id, "requestId": request_id}
        await self._send(connection, json.dumps(fields))

    async def _send(self, connection: Connection, text: str) -> None:
        try:
            async with connection.sending:
                await connection.send(text)
        except ConnectionClosed:
            _logger.debug("a connection closed before its answer")

    async def _disconnected(self, context: ConnectionContext, code: int, reason: str) -> None:
        route = self._api.routes.get("$disconnect")
        if route is None:
            return
        event = disconnect_event(context, code, reason, self._timers.now_s())
        try:
            await within(
                self._timers,
                route.integration_timeout_ms / 1000,
                self._invoker.invoke(route.function, json.dumps(event).encode()),
            )
        except (TimeoutError, ThrottledError):
            _logger.warning("$disconnect was not delivered")

    async def _close_at_time_limit(self, connection: Connection) -> None:
        """Close a connection at the limit of its idle time or its life."""
        ends_at_s = self._timers.now_s() + self._settings.life_s
        while True:
            idle_at_s = connection.last_active_at_s + self._settings.idle_s
            left_s = min(ends_at_s, idle_at_s) - self._timers.now_s()
            if left_s <= 0:
                await connection.close(*_GOING_AWAY)
                return
            await self._timers.sleep(left_s)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _selected_subprotocol(
    socket: ServerConnection, _offered: Sequence[Subprotocol]
) -> Subprotocol | None:
    answered = socket.accepted_subprotocol if isinstance(socket, _Socket) else None
    return None if answered is None else Subprotocol(answered)


def _refused(refusal: Refusal) -> Response:
    body = json.dumps(refusal.body).encode()
    headers = Headers()
    headers["Content-Type"] = "application/json"
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    try:
        phrase = HTTPStatus(refusal.status).phrase
    except ValueError:
        phrase = "Refused"
    return Response(refusal.status, phrase, headers, body)


def _proxy_response(result: InvocationResult) -> dict[str, Any] | None:
    """Return a proxy integration's answer, None if API Gateway treats it as an error."""
    if result.function_error is not None:
        return None
    answer = json.loads(result.payload or b"null")
    if not isinstance(answer, dict) or not isinstance(answer.get("statusCode"), int):
        return None
    return answer
