"""Settings that cannot be used stop a function at its start, with a word on which and why."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from repartee.config import AuthorizerSettings, HttpApiSettings, StreamAgentSettings

pytestmark = pytest.mark.unit

ENVIRONMENT = {
    "DESK_TABLE": "desk",
    "LIVE_TABLE": "live",
    "MEMORY_TABLE": "memory",
    "MANAGEMENT_ENDPOINT": "https://api.example/live",
    "CORE_AGENT_FUNCTION": "core-agent",
    "STREAM_AGENT_FUNCTION": "stream-agent",
    "GEMINI_KEY_SECRET_ARN": "arn",
    "TICKET_KEY_SECRET_ARN": "arn",
    "PAGE_DIRECTORY": "/opt/site",
    "WEBSOCKET_URL": "wss://api.example/live",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAX_TALK_S_PER_DAY", "MAX_USD_PER_DAY", "MODEL_PRICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TALK_S_PER_DAY", "-1"),
        ("MAX_TALK_S_PER_DAY", "1.5"),
        ("MAX_TALK_S_PER_DAY", "86401"),
        ("MAX_USD_PER_DAY", "-0.01"),
        ("MAX_USD_PER_DAY", "NaN"),
        ("MAX_USD_PER_DAY", "Infinity"),
        ("MAX_USD_PER_DAY", "five"),
        ("MODEL_PRICES", "gemini-3.8-live=0.75"),
    ],
)
def test_a_bad_limit_or_price_is_refused_by_the_name_of_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=name):
        StreamAgentSettings.from_env()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://xray.eu-west-1.amazonaws.com/v1/traces",
        "http://127.0.0.1:4318/v1/traces",
        "http://localhost:4318/v1/traces",
    ],
)
def test_traces_go_encrypted_or_stay_on_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACE_URL", url)

    assert StreamAgentSettings.from_env().trace_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://collector.example/v1/traces",
        "http://127.0.0.1.example/v1/traces",
        "https://user:password@collector.example/v1/traces",
        "https://:password@collector.example/v1/traces",
        "http://user:password@127.0.0.1:4318/v1/traces",
        "https://collector.example:0/",
        "https://collector.example:65536/",
        "https://collector.example:port/",
        "https://[::1/",
        "ftp://127.0.0.1/",
        "/v1/traces",
    ],
)
def test_other_addresses_for_traces_are_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACE_URL", url)

    with pytest.raises(ValidationError, match="TRACE_URL") as refused:
        StreamAgentSettings.from_env()
    assert "password" not in str(refused.value)


def test_limits_are_read_exactly_and_zero_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAX_TALK_S_PER_DAY", "0")
    monkeypatch.setenv("MAX_USD_PER_DAY", "0.10")

    settings = HttpApiSettings.from_env()

    assert settings.max_talk_s_per_day == 0
    assert settings.max_usd_per_day == Decimal("0.10")


def test_an_operators_prices_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_PRICES", "gemini-3.8-live=1/2/3/4")

    (own,) = StreamAgentSettings.from_env().model_prices

    assert (own.model, own.prices.audio_out_usd) == ("gemini-3.8-live", Decimal(4))


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBSOCKET_URL")

    with pytest.raises(ValidationError, match="WEBSOCKET_URL"):
        HttpApiSettings.from_env()


def test_a_voice_that_the_live_model_lacks_is_refused_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOICE", "Robert")

    with pytest.raises(ValidationError, match=r"(?s)VOICE.*Achernar, Achird"):
        StreamAgentSettings.from_env()


def test_an_empty_voice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE", "")

    with pytest.raises(ValidationError, match="VOICE"):
        StreamAgentSettings.from_env()


def test_the_authorizer_reads_the_origins_of_the_page_from_its_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TICKET_KEY_SECRET_ARN", "arn")
    for addresses, origins in {
        "https://a1.execute-api.eu-west-1.amazonaws.com/,": (
            "https://a1.execute-api.eu-west-1.amazonaws.com",
        ),
        "http://127.0.0.1:8701/,https://voice.example.com/page/": (
            "http://127.0.0.1:8701",
            "https://voice.example.com",
        ),
    }.items():
        monkeypatch.setenv("PAGE_ADDRESSES", addresses)
        assert AuthorizerSettings.from_env().page_addresses == origins
