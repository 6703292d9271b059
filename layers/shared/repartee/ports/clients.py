"""Port to connected clients."""

from typing import Protocol


class ClientChannel(Protocol):
    """Sends text frames to connected clients."""

    def post(self, connection_id: str, frame: str) -> None:
        """Send one frame; return when API Gateway has accepted it.

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
