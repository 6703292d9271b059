"""Posts to clients through API Gateway's ``@connections``."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from repartee.domain.errors import ClientTooSlow, ConnectionGone, StoreUnavailable

if TYPE_CHECKING:
    from types_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

    from repartee.domain.protocol.answers import ServerMessage

# ``Data`` of PostToConnection: 131,072 bytes (service model of apigatewaymanagementapi).
MAX_POST_BYTES = 128 * 1024
# A pooled connection that the server closed fails once; a second attempt opens a fresh one.
_ATTEMPTS = 2

type Encoder = Callable[["ServerMessage"], str]
"""Writes a message in a dialect as the text of one frame."""


class ApiGatewayChannel:
    """Sends frames with an SDK client that must not retry.

    botocore would wait and retry after status 429. Here this status means that the client reads too
    slowly, and the sender must learn that at once.
    """

    def __init__(self, client: "ApiGatewayManagementApiClient", encode: Encoder):
        self._client = client
        self._encode = encode

    @classmethod
    def at(cls, endpoint_url: str, encode: Encoder) -> Self:
        """Open a channel to the connections of one stage.

        Args:
            endpoint_url: The stage's https address.
            encode: Writes a message in the dialect of these connections.
        """
        config = Config(
            connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1}
        )
        return cls(
            boto3.client("apigatewaymanagementapi", endpoint_url=endpoint_url, config=config),
            encode,
        )

    def post(self, connection_id: str, message: "ServerMessage") -> None:
        """Send one message as a text frame.

        Raises:
            ValueError: The frame is larger than API Gateway accepts.
        """
        data = self._encode(message).encode()
        if len(data) > MAX_POST_BYTES:
            raise ValueError(f"a frame of {len(data)} bytes: the limit is {MAX_POST_BYTES}")
        self._call(partial(self._client.post_to_connection, ConnectionId=connection_id, Data=data))

    def last_active_ms(self, connection_id: str) -> int | None:
        """Return the Unix time in ms of the last traffic, None for a closed connection.

        Raises:
            ClientTooSlow: API Gateway throttled the request.
            StoreUnavailable: The service failed beyond the retries.
        """
        try:
            found = self._call(partial(self._client.get_connection, ConnectionId=connection_id))
        except ConnectionGone:
            return None
        return round(found["LastActiveAt"].timestamp() * 1000)

    def close(self, connection_id: str) -> None:
        """Close the connection from this side."""
        with suppress(ConnectionGone):
            self._call(partial(self._client.delete_connection, ConnectionId=connection_id))

    def _call[T](self, call: Callable[[], T]) -> T:
        attempt = 1
        while True:
            try:
                return call()
            except (ClientError, BotoCoreError) as error:
                self._raise_unless_transient(error, is_last=attempt == _ATTEMPTS)
            attempt += 1

    def _raise_unless_transient(self, error: ClientError | BotoCoreError, *, is_last: bool) -> None:
        if isinstance(error, self._client.exceptions.GoneException):
            raise ConnectionGone("the connection is closed") from error
        status = (
            error.response["ResponseMetadata"]["HTTPStatusCode"]
            if isinstance(error, ClientError)
            else 0
        )
        if status == 429:
            raise ClientTooSlow("the client does not take frames fast enough") from error
        if is_last or 0 < status < 500:
            raise StoreUnavailable("API Gateway did not take the frame") from error
