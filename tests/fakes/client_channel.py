from collections import defaultdict
from collections.abc import Callable

from repartee.adapters.wire.encoding import encode
from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable
from repartee.domain.protocol.answers import ServerMessage


class FakeClientChannel:
    """Records the messages to each connection.

    Args:
        encode: Writes messages in the dialect of the connections.

    Attributes:
        posts: The text frames that were taken, by connection, in order.
        active_ms: When each was last active.
        gone: Connections that are closed.
        slow: Connections whose buffer is full.
        failing: The service itself fails.
    """

    def __init__(self, encode: Callable[[ServerMessage], str] = encode) -> None:
        self._encode = encode
        self.posts: dict[str, list[str]] = defaultdict(list)
        self.active_ms: dict[str, int] = defaultdict(int)
        self.gone: set[str] = set()
        self.slow: set[str] = set()
        self.failing = False

    def post(self, connection_id: str, message: ServerMessage) -> None:
        if self.failing:
            raise StoreUnavailable("the test makes the channel fail")
        if connection_id in self.gone:
            raise ConnectionGone(connection_id)
        if connection_id in self.slow:
            raise ClientTooSlow(connection_id)
        self.posts[connection_id].append(self._encode(message))

    def last_active_ms(self, connection_id: str) -> int | None:
        if self.failing:
            raise StoreUnavailable("the test makes the channel fail")
        return None if connection_id in self.gone else self.active_ms[connection_id]

    def close(self, connection_id: str) -> None:
        self.gone.add(connection_id)
