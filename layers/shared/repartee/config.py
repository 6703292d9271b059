"""Settings, one model per function; the only place that reads the environment.

Each field is one environment variable of the function in template.yaml, by its upper-case name.
"""

import os
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from repartee.domain.context_policy import ContextPolicy
from repartee.domain.usage import Prices

# USD per million tokens for gemini-3.8-live, audio and text. Secondary sources that cite Google's
# price page of 2026-09-28; the page itself was not read (docs/assumptions.md).
LIVE_PRICES = Prices(
    text_in_usd=Decimal("0.75"),
    audio_in_usd=Decimal("3"),
    text_out_usd=Decimal("4.50"),
    audio_out_usd=Decimal("12"),
    source="list price of gemini-3.8-live as cited on 2026-09-28",
)

# USD per million tokens of the models that core_agent may use; thoughts count as output. Secondary
# sources that cite Google's price page of 2026-10-07, which was not read itself. Text only: no
# audio reaches these models. The price of 3.8-flash is announced to double on 2027-01-01.
_CORE_PRICES = {
    "gemini-3.8-flash": ("0.75", "3.75"),
    "gemini-3.5-flash-lite": ("0.30", "2.50"),
    "gemini-3.1-pro-preview": ("2.00", "12.00"),
}


def core_prices(model: str) -> Prices:
    """Return a model's prices; one that is not listed is billed as the dearest that is."""
    listed = model in _CORE_PRICES
    name = model if listed else max(_CORE_PRICES, key=lambda one: Decimal(_CORE_PRICES[one][1]))
    text_in_usd, text_out_usd = (Decimal(price) for price in _CORE_PRICES[name])
    return Prices(
        text_in_usd=text_in_usd,
        audio_in_usd=text_in_usd,
        text_out_usd=text_out_usd,
        audio_out_usd=text_out_usd,
        source=f"list price of {name} as cited on 2026-10-07",
    )


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


type Names = Annotated[tuple[str, ...], BeforeValidator(_split)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True)

    @classmethod
    def from_env(cls) -> Self:
        """Read this function's settings.

        Raises:
            pydantic.ValidationError: A variable is missing or out of range; it names the field.
        """
        return cls.model_validate(
            {
                name: os.environ[name.upper()]
                for name in cls.model_fields
                if name.upper() in os.environ
            }
        )


class AuthorizerSettings(_Settings):
    """Settings of the function that guards ``$connect``."""

    ticket_key_secret_arn: str
    allowed_origins: Names = ()
    allow_missing_origin: bool = True


class ConnectSettings(_Settings):
    """Settings of the ``$connect`` route."""

    live_table: str
    memory_table: str
    max_sessions_per_user: int = Field(default=3, ge=1, le=100)


class MessageSettings(_Settings):
    """Settings of the ``$default`` route."""

    live_table: str
    management_endpoint: str
    stream_agent_function: str
    chunk_ms: int = Field(default=200, ge=20, le=500)
    grace_s: int = Field(default=30, ge=0, le=300)
    prewarm: bool = True


class DisconnectSettings(_Settings):
    """Settings of the ``$disconnect`` route."""

    live_table: str
    grace_s: int = Field(default=30, ge=0, le=300)


class StreamAgentSettings(_Settings):
    """Settings of the worker that holds Gemini Live.

    Attributes:
        gemini_base_url: Empty for Google's own servers.
        linger_s: How long a worker waits for more input after a turn.
        grace_s: How long a worker keeps a session whose connection dropped.
        memory_tokens: Room for past turns in what a fresh Gemini session is told.
        record_sessions: Whether sessions are recorded for replay, with what people say.
        record_directory: Where recordings are written.
    """

    live_table: str
    memory_table: str
    management_endpoint: str
    core_agent_function: str
    stream_agent_function: str
    gemini_key_secret_arn: str
    gemini_base_url: str = ""
    gemini_live_model: str = "gemini-3.8-live"
    voice: str = "Kore"
    language: str = "en-US"
    desk_time_zone: str = "Europe/London"
    linger_s: int = Field(default=30, ge=0, le=600)
    grace_s: int = Field(default=30, ge=0, le=300)
    memory_tokens: int = Field(default=2_000, ge=200, le=20_000)
    context_policy: ContextPolicy = ContextPolicy.AUTO
    record_sessions: Literal["off", "events", "events_and_audio"] = "off"
    record_directory: str = "/tmp/recordings"  # noqa: S108 - all that Lambda lets be written


class CoreAgentSettings(_Settings):
    """Settings of the function that thinks with data.

    Attributes:
        gemini_core_fallback_model: Asked when the first model fails; empty for none.
    """

    live_table: str
    memory_table: str
    desk_table: str
    gemini_key_secret_arn: str
    gemini_base_url: str = ""
    gemini_core_model: str = "gemini-3.8-flash"
    gemini_core_fallback_model: str = ""
    desk_time_zone: str = "Europe/London"
    memory_tokens: int = Field(default=2_000, ge=200, le=20_000)


class HttpApiSettings(_Settings):
    """Settings of the HTTP API."""

    live_table: str
    memory_table: str
    ticket_key_secret_arn: str
    websocket_url: str
    max_sessions_per_user: int = Field(default=3, ge=1, le=100)
