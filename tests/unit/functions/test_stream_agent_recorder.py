"""Whether the stream agent records and greets first is its operator's choice."""

from pathlib import Path

import pytest

from repartee.adapters.file_recorder import FileRecorder
from stream_agent import handler

pytestmark = pytest.mark.unit

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LIVE_TABLE": "live",
    "MEMORY_TABLE": "memory",
    "MANAGEMENT_ENDPOINT": "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/live",
    "STREAM_AGENT_FUNCTION": "repartee-stream-agent",
    "CORE_AGENT_FUNCTION": "repartee-core-agent",
    "GEMINI_KEY_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:key",
}


def build(monkeypatch: pytest.MonkeyPatch, **environment: str) -> handler.Deps:
    for name, value in (ENVIRONMENT | environment).items():
        monkeypatch.setenv(name, value)
    return handler.build.__wrapped__()


def test_the_agent_greets_first_if_its_persona_does(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(monkeypatch).server.settings.greeting == ""
    greeting = build(monkeypatch, PERSONA="pizzeria").server.settings.greeting
    assert greeting.startswith("Pizzería La Esquina")


def test_nothing_is_recorded_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(monkeypatch).server.ports.recorder is None
    assert build(monkeypatch, RECORD_SESSIONS="off").server.ports.recorder is None


@pytest.mark.parametrize(("value", "wants_audio"), [("events", False), ("events_and_audio", True)])
def test_recordings_go_to_the_folder_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, wants_audio: bool
) -> None:
    deps = build(monkeypatch, RECORD_SESSIONS=value, RECORD_DIRECTORY=str(tmp_path))
    recorder = deps.server.ports.recorder
    assert isinstance(recorder, FileRecorder)
    assert recorder.wants_audio is wants_audio
    recorder.append("S-000001", "{}")
    assert (tmp_path / "S-000001.jsonl").exists()


def test_an_unknown_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="RECORD_SESSIONS"):
        build(monkeypatch, RECORD_SESSIONS="all")
