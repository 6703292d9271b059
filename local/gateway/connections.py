"""The open connections of a WebSocket API, for the ``@connections`` API."""

import asyncio
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from local.cloudwatch.aws_metrics import WebSocketMetrics
from local.gateway.chaos import GatewayChaos
from local.gateway.settings import GatewaySettings
from local.gateway.websocket_events import ConnectionContext
from local.hosting.timers import Timers


class GoneError(LookupError):
    """No open connection has that id."""


class SlowClientError(RuntimeError):
    """The client's buffer is full, or a fault refuses the post."""


@dataclass(slots=True, eq=False)
class Connection:
    """One open connection.

    Args:
        number: 1 for the gateway's first connection. It decides faults because ids are random.
        context: The fields that all its events share.
        socket: The transport.
        last_active_at_s: The time of the last message in either direction.
        gateway_close: Close code and reason if the gateway ended the connection.
        is_dead: Whether messages are lost although neither side has noticed the end.
    """

    number: int
    context: ConnectionContext
    socket: ServerConnection
    last_active_at_s: float
    gateway_close: tuple[int, str] | None = None
    messages: int = 0
    posts: int = 0
    is_dead: bool = False
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, text: str) -> None:
        """Send to the client; a dead connection loses the message.

        Raises:
            ConnectionClosed: The connection is closed.
        """
        if not self.is_dead:
            await self.socket.send(text)

    async def close(self, code: int, reason: str) -> None:
        """End the connection from the gateway's side."""
        if self.gateway_close is None:
            self.gateway_close = (code, reason)
        await self.socket.close(code, reason)

    def break_connection(self, unnoticed_s: float = 0.0) -> None:
        """Break the connection; both sides notice it after ``unnoticed_s`` and lose messages.

        API Gateway, too, accepts posts to a client that has just lost its network.
        """
        self.is_dead = True
        asyncio.get_running_loop().call_later(unnoticed_s, self.socket.transport.abort)

    def ended_with(self) -> tuple[int, str]:
        """Return the close code and reason for ``$disconnect``."""
        if self.gateway_close is not None:
            return self.gateway_close
        protocol = self.socket.protocol
        # The library itself closes the connection after a protocol error (1007, 1009).
        if protocol.close_rcvd is None and protocol.close_sent is not None:
            return protocol.close_sent.code, protocol.close_sent.reason
        code = protocol.close_code or 1006
        if code == 1005:
            return code, "Client-side close frame status not set"
        return code, protocol.close_reason or ""


class Connections:
    """Open connections by id."""

    def __init__(
        self,
        settings: GatewaySettings,
        timers: Timers,
        chaos: GatewayChaos,
        metrics: WebSocketMetrics,
    ) -> None:
        self._settings = settings
        self._timers = timers
        self._chaos = chaos
        self._metrics = metrics
        self._open: dict[str, Connection] = {}

    def add(self, connection: Connection) -> None:
        self._open[connection.context.connection_id] = connection

    def remove(self, connection: Connection) -> None:
        self._open.pop(connection.context.connection_id, None)

    def all(self) -> tuple[Connection, ...]:
        return tuple(self._open.values())

    def get(self, connection_id: str) -> Connection:
        """Return the connection with an id.

        Raises:
            GoneError: It is unknown, closed, or waits for the answer of ``$connect``.
        """
        if connection_id not in self._open:
            raise GoneError(connection_id)
        return self._open[connection_id]

    async def post(self, connection_id: str, text: str) -> None:
        """Send a message to a client, after all earlier posts.

        Raises:
            GoneError: See ``get``; or the connection has closed.
            SlowClientError: The client has too many unsent bytes.
        """
        connection = self.get(connection_id)
        connection.posts += 1
        if self._chaos.throttles(connection.number, connection.posts):
            raise SlowClientError(connection_id)
        async with connection.sending:
            unsent_bytes = connection.socket.transport.get_write_buffer_size()
            if unsent_bytes + len(text) > self._settings.client_buffer_bytes:
                raise SlowClientError(connection_id)
            try:
                await connection.send(text)
            except ConnectionClosed as error:
                raise GoneError(connection_id) from error
            connection.last_active_at_s = self._timers.now_s()
            self._metrics.message()
