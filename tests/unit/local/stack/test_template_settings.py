"""``make up SET=…`` takes template parameters, and refuses what the stack cannot use."""

import argparse
import inspect
from pathlib import Path

import pytest

from local.hosting.ports import Ports
from local.stack import StackOptions
from local.stack.template_settings import (
    FIXED,
    SettingsRefusedError,
    add_settings_argument,
    describe_settings,
    parse_settings,
    settings_or_exit,
)
from local.stack.wiring import addresses_at, read_application
from local.template.model import Application
from local.template.reader import declared_parameters

pytestmark = pytest.mark.unit

TEMPLATE = Path(__file__).resolve().parents[4] / "template.yaml"


def application_with(text: str) -> Application:
    options = StackOptions(parameters=parse_settings(text))
    addresses = addresses_at(
        Ports.from_base(8700), access_key="key", dynamodb="http://127.0.0.1:1", gemini=""
    )
    return read_application(options, Path("/run"), addresses, {})


def test_pairs_are_quoted_as_in_a_shell() -> None:
    text = """Language=es-ES  "AllowedOrigins=http://a.example,https://b.example" ModelPrices='' """
    assert parse_settings(text) == {
        "Language": "es-ES",
        "AllowedOrigins": "http://a.example,https://b.example",
        "ModelPrices": "",
    }
    assert parse_settings("  ") == {}
    with pytest.raises(SettingsRefusedError, match="Voice is 'two words'; it must be one of"):
        parse_settings("Voice='two words'")


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(SettingsRefusedError) as refused:
        parse_settings("Langauge=es-ES MaxUsdPerDay=-1 Voice Voice=Kore Voice=Kore =x")
    assert str(refused.value).splitlines() == [
        "'Voice' must have the form Name=Value; quote a value that contains spaces, as in "
        "Name='two words'",
        "Voice is set twice; keep one",
        "'=x' must have the form Name=Value; quote a value that contains spaces, as in "
        "Name='two words'",
        "the template has no parameter Langauge; the nearest is Language; "
        "docs/operations.md lists them",
        "MaxUsdPerDay is '-1'; it must be from 0 to 100000",
    ]


def test_a_value_that_a_function_would_refuse_at_its_start_is_refused() -> None:
    with pytest.raises(SettingsRefusedError, match=r"LingerSeconds is '1.5'; it must be a whole"):
        parse_settings("LingerSeconds=1.5")


@pytest.mark.parametrize("text", ["Language='es-ES", "Language=es-ES\\"])
def test_an_open_quotation_is_named(text: str) -> None:
    with pytest.raises(SettingsRefusedError, match=r"^No .*; close the quotation$"):
        parse_settings(text)


def test_a_parameter_that_has_its_own_variable_is_checked_too() -> None:
    chosen = parse_settings("", live_model="gemini-x", recording="events")
    assert chosen == {"GeminiLiveModel": "gemini-x", "RecordSessions": "events"}
    with pytest.raises(SettingsRefusedError, match="RecordSessions is 'all'; it must be one of"):
        parse_settings("", recording="all")
    with pytest.raises(SettingsRefusedError, match="LiveModel is set twice, also by MODEL; keep"):
        parse_settings("GeminiLiveModel=a", live_model="a")


@pytest.mark.parametrize("name", FIXED)
def test_a_parameter_that_the_stack_sets_is_refused_with_the_reason(name: str) -> None:
    default = declared_parameters(TEMPLATE)[name]["Default"]
    with pytest.raises(SettingsRefusedError, match=f"{name} is fixed on the local stack, because "):
        parse_settings(f"{name}={default}")


def test_every_parameter_that_the_stack_sets_is_refused() -> None:
    source = inspect.getsource(read_application)
    assert {name for name in declared_parameters(TEMPLATE) if f'"{name}"' in source} <= set(FIXED)


def test_a_setting_reaches_the_functions_and_the_gateway() -> None:
    application = application_with(
        "Language=es-ES MaxUsdPerDay=1 LingerSeconds=3 MaxSessionsPerUser=2 TurnDetection=client "
        "AllowedOrigins=http://localhost:3000,http://127.0.0.1:3000 StreamAgentConcurrency=4 "
    )
    functions = application.functions
    worker = functions["StreamAgentFunction"]
    assert worker.environment["LANGUAGE"] == "es-ES"
    assert worker.environment["MAX_USD_PER_DAY"] == "1"
    assert worker.environment["LINGER_S"] == "3"
    assert worker.environment["TURN_DETECTION"] == "client"
    assert worker.reserved_concurrency == 4
    assert functions["ConnectFunction"].environment["MAX_SESSIONS_PER_USER"] == "2"
    (api,) = application.http_apis.values()
    assert api.cors is not None
    assert api.cors.allow_origins == ("http://localhost:3000", "http://127.0.0.1:3000")
    assert application_with("").http_apis["HttpApi"].cors is None


def test_the_settings_that_differ_are_described_and_those_without_effect_are_named() -> None:
    chosen = parse_settings("MaxUsdPerDay=1 LogRetentionDays=30 Voice=Kore AllowedOrigins=http://a")
    assert describe_settings(chosen) == [
        "MaxUsdPerDay=1 (template: 5)",
        "LogRetentionDays=30 (template: 14; no effect on this machine)",
        "AllowedOrigins=http://a (template: empty)",
    ]


def test_a_program_ends_with_every_problem_on_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert settings_or_exit("Voice=Leda") == {"Voice": "Leda"}
    with pytest.raises(SystemExit) as ended:
        settings_or_exit("Voice=Leda Voice=Kore Langauge=es-ES")
    assert ended.value.code == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == "SET: Voice is set twice; keep one"
    assert second.startswith("SET: the template has no parameter Langauge")


def test_a_repeated_option_adds_to_the_earlier_ones() -> None:
    parser = argparse.ArgumentParser()
    add_settings_argument(parser)

    given = parser.parse_args(["--set", "Voice=Leda Prewarm=false", "--set", "Language=es-ES"])

    assert given.set == ["Voice=Leda Prewarm=false", "Language=es-ES"]
    assert parser.parse_args([]).set == []
