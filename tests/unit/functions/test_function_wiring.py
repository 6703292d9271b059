"""The imports, settings and objects of each of the gateway's functions."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from repartee.domain.persona import PersonaRefused

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
LIGHT = ("authorizer", "connect", "message", "disconnect")
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LIVE_TABLE": "live",
    "MEMORY_TABLE": "memory",
    "DESK_TABLE": "desk",
    "MANAGEMENT_ENDPOINT": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/live",
    "STREAM_AGENT_FUNCTION": "repartee-stream-agent",
    "CORE_AGENT_FUNCTION": "repartee-core-agent",
    "GEMINI_KEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:gemini",
    "TICKET_KEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:key",
    "PAGE_DIRECTORY": "/opt/site",
    "WEBSOCKET_URL": "wss://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/live",
}


@pytest.mark.parametrize("function", [*LIGHT, "http_api"])
def test_a_function_wires_itself_up_from_its_environment_once(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    handler = import_module(f"{function}.handler")
    handler.build.cache_clear()
    try:
        assert handler.build() is handler.build()
    finally:
        handler.build.cache_clear()


@pytest.mark.parametrize(
    ("function", "settings", "problem"),
    [
        ("stream_agent", {"PERSONA": "pizeria"}, "Did you mean pizzeria"),
        ("core_agent", {"PERSONA": "pizeria"}, "Did you mean pizzeria"),
        ("http_api", {"PERSONA": "pizeria"}, "Did you mean pizzeria"),
        ("stream_agent", {"PERSONA": "pizzeria", "LANGUAGE": "en-GB"}, "choose one of es-ES"),
    ],
)
def test_a_function_does_not_start_with_a_persona_that_it_cannot_use(
    function: str, settings: dict[str, str], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (ENVIRONMENT | settings).items():
        monkeypatch.setenv(name, value)
    handler = import_module(f"{function}.handler")
    handler.build.cache_clear()

    with pytest.raises(PersonaRefused, match=problem):
        handler.build()


def test_no_function_imports_yaml_before_it_reads_its_persona() -> None:
    functions = (*LIGHT, "http_api", "stream_agent")
    imports = "; ".join(f"import {function}.handler" for function in functions)

    assert output_of(f"import sys; {imports}; print('yaml' in sys.modules)") == "False"


def test_light_functions_import_nothing_heavy_and_read_no_environment() -> None:
    imports = "; ".join(f"import {function}.handler" for function in LIGHT)
    heavy = "{'fastapi', 'mangum', 'langchain', 'google.genai', 'websockets', "
    heavy += "'repartee.domain.persona'}"
    program = f"import sys; {imports}; print(sorted({heavy} & set(sys.modules)))"

    assert output_of(program) == "[]"


def test_a_worker_does_not_import_the_models_of_client_messages() -> None:
    program = "import sys; import stream_agent.handler; print([name for name in sys.modules"
    program += " if name.endswith('wire.client_models')])"
    assert output_of(program) == "[]"


def test_one_module_chooses_the_dialect_of_every_function() -> None:
    program = """
import sys
from types import ModuleType

other = ModuleType("repartee.adapters.dialect")
other.encode = str
other.parser = lambda: str
other.FEATURES = ()
sys.modules[other.__name__] = other
import connect.handler, http_api.handler, message.handler, stream_agent.handler
print([name for name in sys.modules if name.startswith("repartee.adapters.wire")])
channel = connect.handler._channel("https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/live")
print(channel._encode is other.encode)
"""
    assert output_of(program).split("\n") == ["[]", "True"]


def output_of(program: str) -> str:
    ran = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program],
        env={
            "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT / 'layers/shared'}",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stdout.strip()
