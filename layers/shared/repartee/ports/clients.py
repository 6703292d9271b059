"""Port to connected clients."""

from typing import TYPE_CHECKING, Protocol

from repartee.domain.protocol.messages import ParsedMessage

if TYPE_CHECKING:
    # A function that only opens connections does not need to load these classes.
    from repartee.domain.protocol.answers import ServerMessage


class MessageParser(Protocol):
    """Reads the messages of one dialect."""

    def __call__(self, body: str | None) -> ParsedMessage:
        """Return the message in a client's frame; ``body`` is None for a binary frame.

        Raises:
            UnusableMessage: The frame holds no valid message.
        """
        ...


class ClientChannel(Protocol):
    """Sends messages to connected clients, in the dialect of the connections."""

    def post(self, connection_id: str, message: "ServerMessage") -> None:
        """Send one message; return when API Gateway has accepted it.

        Raises:
            ConnectionGone: The connection is closed, or not yet open.
            ClientTooSlow: The client's buffer is full; the frame was not sent.
            StoreUnavailable: The service failed beyond the retries.
        """
        ...

    def last_active_ms(self, connection_id: str) -> int | None:
        """Return the Unix time in ms of the last traffic, None for a closed connection.

        Raises:
            StoreUnavailable: The service failed beyond the retries.
        """
        ...

    def close(self, connection_id: str) -> None:
        """Close the connection; closing one that is gone is no error."""
        ...
