"""API Gateway's limits, as settings so that tests can shrink them."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Limits of WebSocket and HTTP APIs; the defaults are AWS's quotas, none of them raisable.

    Args:
        message_bytes: Largest message, either way.
        frame_bytes: Largest frame from a client.
        idle_s: A connection without messages is closed after this.
        life_s: Any connection is closed after this.
        client_buffer_bytes: Unsent bytes for a slow client above which posts are refused; AWS
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
