"""Settings, one model per function; no other module reads the environment.

Each field is one environment variable of the function in template.yaml, by its upper-case name.
"""

import os
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
)

from repartee.domain.cost.limits import DAY_S
from repartee.domain.cost.prices import ListPrice, PriceList, Prices, parse_prices
from repartee.domain.live.context_policy import ContextPolicy
from repartee.domain.live.model import TurnDetection
from repartee.domain.live.model_profiles import profile_of
from repartee.domain.users.preferences import PreferenceRefused, checked_voice
from repartee.domain.users.retention import MAX_RETENTION_DAYS

DEFAULT_LIVE_MODEL = "gemini-3.8-live"
DEFAULT_PERSONA = "front_desk"
LIVE_PRICES = Prices(
    text_in_usd=Decimal("0.75"),
    audio_in_usd=Decimal("3"),
    text_out_usd=Decimal("4.50"),
    audio_out_usd=Decimal("12"),
    source="list price as cited by secondary sources on 2026-09-28",
)
_PAGE = "Google's price page as transcribed by others on 2026-10-07"


def _text_model(usd_in: str, usd_out: str) -> Prices:
    """Return the prices of a model for text only; thoughts count as output."""
    read, written = Decimal(usd_in), Decimal(usd_out)
    return Prices(read, read, written, written, _PAGE)


# USD per million tokens. They were not read from Google's page itself (docs/assumptions.md).
# Operators put their own prices into MODEL_PRICES.
PRICE_LIST = PriceList(
    (
        ListPrice("gemini-3.8-live", date.min, LIVE_PRICES),
        ListPrice("gemini-3.8-flash", date.min, _text_model("0.75", "3.75")),
        ListPrice("gemini-3.8-flash", date(2027, 1, 1), _text_model("1.50", "7.50")),
        ListPrice("gemini-3.5-flash", date.min, _text_model("1.50", "9")),
        ListPrice("gemini-3.1-pro-preview", date.min, _text_model("2", "12")),
        ListPrice("gemini-3.5-flash-lite", date.min, _text_model("0.30", "2.50")),
    )
)


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _prices(value: object) -> object:
    return parse_prices(value) if isinstance(value, str) else value


def _trace_url(url: str) -> str:
    """Return the address, to which spans go encrypted or stay on this machine."""
    parts = urlsplit(url)
    is_loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    is_encrypted = parts.scheme == "https" and parts.hostname
    # ``port`` raises ValueError if it is no number up to 65535.
    if url and ("@" in parts.netloc or parts.port == 0 or not (is_loopback or is_encrypted)):
        raise ValueError("must be an https address without a user; http is for this machine only")
    return url


def _origins(addresses: tuple[str, ...]) -> tuple[str, ...]:
    parts = (urlsplit(address) for address in addresses)
    return tuple(f"{address.scheme}://{address.netloc}" for address in parts)


type Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
type Origins = Annotated[Names, AfterValidator(_origins)]
type TraceUrl = Annotated[str, AfterValidator(_trace_url)]
type OwnPrices = Annotated[tuple[ListPrice, ...], BeforeValidator(_prices)]


class _Settings(BaseModel):
    # Lambda logs an error that nothing catches, and an address may hold a password.
    model_config = ConfigDict(
        frozen=True, alias_generator=str.upper, validate_by_name=True, hide_input_in_errors=True
    )

    @classmethod
    def from_env(cls) -> Self:
        """Read this function's settings.

        Raises:
            pydantic.ValidationError: A variable is missing or out of range; it names the variable.
        """
        variables = (name.upper() for name in cls.model_fields)
        return cls.model_validate(
            {name: os.environ[name] for name in variables if name in os.environ}
        )


def _listed_voice(name: str, info: ValidationInfo) -> str:
    try:
        return checked_voice(profile_of(info.data["gemini_live_model"]), name)
    except PreferenceRefused as refused:
        raise ValueError(refused.advice) from refused


class AuthorizerSettings(_Settings):
    """Settings of the function that guards ``$connect``.

    Attributes:
        page_addresses: The origins of the stack's own page, read from its addresses.
    """

    ticket_key_secret_arn: str
    allowed_origins: Names = ()
    page_addresses: Origins = ()
    allow_missing_origin: bool = True


class ConnectSettings(_Settings):
    """Settings of the ``$connect`` route."""

    live_table: str
    memory_table: str
    management_endpoint: str
    max_sessions_per_user: int = Field(default=3, ge=1, le=100)
    max_connections_per_session: int = Field(default=3, ge=2, le=20)
    retention_days: int = Field(default=0, ge=0, le=MAX_RETENTION_DAYS)


class MessageSettings(_Settings):
    """Settings of the ``$default`` route.

    Attributes:
        traced: Whether a worker gets a trace context with its wake.
    """

    live_table: str
    management_endpoint: str
    stream_agent_function: str
    chunk_ms: int = Field(default=200, ge=20, le=500)
    max_in_flight: int = Field(default=25, ge=5, le=100)
    grace_s: int = Field(default=30, ge=0, le=300)
    prewarm: bool = True
    traced: bool = False


class DisconnectSettings(_Settings):
    """Settings of the ``$disconnect`` route."""

    live_table: str
    grace_s: int = Field(default=30, ge=0, le=300)


class StreamAgentSettings(_Settings):
    """Settings of the worker that holds Gemini Live.

    Attributes:
        gemini_base_url: Empty for Google's own servers.
        persona: The name of the persona's file.
        language: Language of users without a preference; empty for the persona's first language.
            ``Persona.default_language`` checks it.
        turn_detection: Which side detects the speech of clients that mark it.
        linger_s: How long a worker waits for more input after a turn.
        grace_s: How long a worker keeps a session whose connection dropped.
        turns_without_listener: How many turns may begin while a session has no connection.
        max_in_flight: How many messages of a client may wait, and so how many texts.
        memory_tokens: Room for past turns in the prompt of a new Gemini session.
        record_sessions: Whether sessions are recorded for replay; recordings contain speech.
        record_directory: Where recordings are written.
        max_talk_s_per_day: How long a user may talk in a UTC day; 0 for no limit.
        max_usd_per_day: How much a user may cost in a UTC day; 0 for no limit.
        max_service_usd_per_day: How much all users together may cost; 0 for no cap.
        model_prices: The operator's own prices, see ``domain.cost.prices.parse_prices``.
        trace_url: The address for traces; empty for none.
        trace_token_secret_arn: The secret with the bearer token for it; empty for no token.
        stack_name: The name that traces give to the whole deployment.
    """

    live_table: str
    memory_table: str
    management_endpoint: str
    core_agent_function: str
    stream_agent_function: str
    gemini_key_secret_arn: str
    gemini_base_url: str = ""
    gemini_live_model: str = DEFAULT_LIVE_MODEL
    persona: str = DEFAULT_PERSONA
    voice: Annotated[str, AfterValidator(_listed_voice)] = "Kore"
    language: str = ""
    turn_detection: TurnDetection = TurnDetection.SERVER
    desk_time_zone: str = "Europe/London"
    linger_s: int = Field(default=30, ge=0, le=600)
    grace_s: int = Field(default=30, ge=0, le=300)
    turns_without_listener: int = Field(default=3, ge=0, le=100)
    max_in_flight: int = Field(default=25, ge=5, le=100)
    memory_tokens: int = Field(default=2_000, ge=200, le=20_000)
    retention_days: int = Field(default=0, ge=0, le=MAX_RETENTION_DAYS)
    context_policy: ContextPolicy = ContextPolicy.AUTO
    record_sessions: Literal["off", "events", "events_and_audio"] = "off"
    record_directory: str = "/tmp/recordings"  # noqa: S108 - Lambda allows writes to /tmp only
    max_talk_s_per_day: int = Field(default=3_600, ge=0, le=DAY_S)
    max_usd_per_day: Decimal = Field(default=Decimal(5), ge=0, le=100_000)
    max_service_usd_per_day: Decimal = Field(default=Decimal(0), ge=0, le=10_000_000)
    model_prices: OwnPrices = ()
    trace_url: TraceUrl = ""
    trace_token_secret_arn: str = ""
    stack_name: str = ""


class CoreAgentSettings(_Settings):
    """Settings of the function that answers with data.

    Attributes:
        gemini_core_fallback_model: Asked when the first model fails; empty for none.
        gemini_core_thinking: How much the models think; empty leaves it to them.
    """

    live_table: str
    memory_table: str
    desk_table: str
    gemini_key_secret_arn: str
    gemini_base_url: str = ""
    gemini_core_model: str = "gemini-3.8-flash"
    gemini_core_fallback_model: str = ""
    gemini_core_thinking: Literal["", "minimal", "low", "medium", "high"] = "low"
    persona: str = DEFAULT_PERSONA
    desk_time_zone: str = "Europe/London"
    memory_tokens: int = Field(default=2_000, ge=200, le=20_000)
    retention_days: int = Field(default=0, ge=0, le=MAX_RETENTION_DAYS)
    max_service_usd_per_day: Decimal = Field(default=Decimal(0), ge=0, le=10_000_000)
    model_prices: OwnPrices = ()


class HttpApiSettings(_Settings):
    """Settings of the HTTP API.

    Attributes:
        page_directory: The folder with the files of the page.
        sign_in_authorize_url: Where the page sends users to sign in; empty if it cannot.
        sign_in_token_url: Where the page exchanges codes and refresh tokens for access tokens.
        sign_in_sign_out_url: Where the page sends users to sign out; empty if nowhere.
        sign_in_client_id: The page's client id at the issuer.
        sign_in_audience: The audience that the page asks for; empty if the issuer needs none.
        sign_in_scope: The scopes that the page asks for.
    """

    live_table: str
    memory_table: str
    desk_table: str
    management_endpoint: str
    ticket_key_secret_arn: str
    websocket_url: str
    gemini_live_model: str = DEFAULT_LIVE_MODEL
    persona: str = DEFAULT_PERSONA
    page_directory: str
    sign_in_authorize_url: str = ""
    sign_in_token_url: str = ""
    sign_in_sign_out_url: str = ""
    sign_in_client_id: str = ""
    sign_in_audience: str = ""
    sign_in_scope: Names = ("openid",)
    grace_s: int = Field(default=30, ge=0, le=300)
    max_sessions_per_user: int = Field(default=3, ge=1, le=100)
    max_talk_s_per_day: int = Field(default=3_600, ge=0, le=DAY_S)
    max_usd_per_day: Decimal = Field(default=Decimal(5), ge=0, le=100_000)
    max_service_usd_per_day: Decimal = Field(default=Decimal(0), ge=0, le=10_000_000)
