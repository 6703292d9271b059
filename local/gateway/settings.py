"""API Gateway's limits, as settings that tests can lower."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Limits of WebSocket and HTTP APIs; the defaults are AWS's quotas, which are fixed.

    Args:
        message_bytes: The largest message, in either direction.
        frame_bytes: The largest frame from a client.
        idle_s: The time after which a connection without messages is closed.
        life_s: The time after which any connection is closed.
        client_buffer_bytes: The unsent bytes of a slow client above which posts are refused; AWS
            publishes no number.

    Source: API Gateway quotas, WebSocket APIs, read 2026-11-22.
    """

    message_bytes: int = 131_072
    frame_bytes: int = 32_768
    idle_s: float = 600.0
    life_s: float = 7_200.0
    client_buffer_bytes: int = 1_048_576

    def scaled(self, time_scale: float) -> Self:
        """Return limits whose times pass ``time_scale`` times as fast."""
        return replace(self, idle_s=self.idle_s / time_scale, life_s=self.life_s / time_scale)
