"""`make up` says which persona runs, and whether it keeps its tables."""

import os
import sys
from pathlib import Path

import pytest

from local import up
from local.stack import PROJECT, StackOptions
from local.up import (
    describe_hearing,
    describe_persona,
    describe_tables,
    describe_traces,
    options_from,
)

pytestmark = pytest.mark.unit

FOLDER = Path("/data")


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        ([], PROJECT / ".local" / "data" / "9000"),
        (["--data", "/data"], FOLDER),
        (["--fresh"], None),
    ],
)
def test_tables_are_kept_by_port_base_unless_fresh_ones_are_wanted(
    arguments: list[str], folder: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPARTEE_PORT_BASE", "9000")
    monkeypatch.setattr(sys, "argv", ["up", *arguments])
    assert options_from().dynamodb_data == folder


def test_a_folder_and_fresh_tables_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["up", "--fresh", "--data", "/data"])
    with pytest.raises(SystemExit):
        options_from()
    assert "not allowed with argument --fresh" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kept", "wanted", "said"),
    [
        (FOLDER, FOLDER, "kept in /data (FRESH=1"),
        (None, FOLDER, "not kept, because MiniStack holds them"),
        (None, None, "empty at the start, and not kept"),
    ],
)
def test_the_developer_reads_whether_the_tables_are_kept(
    kept: Path | None, wanted: Path | None, said: str
) -> None:
    assert said in describe_tables(kept, wanted)


@pytest.mark.parametrize(
    ("name", "language", "described"),
    [
        ("pizzeria", "", "pizzeria (Pizzería La Esquina, es-ES, the agent speaks first)"),
        ("front_desk", "de-DE", "front_desk (the front desk, de-DE, the user speaks first)"),
    ],
)
def test_the_persona_is_described_by_business_language_and_who_speaks_first(
    name: str, language: str, described: str
) -> None:
    assert describe_persona(environment(name, language), simulated=False) == described


def test_a_file_or_folder_that_cannot_be_used_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()

    async def serve(options: StackOptions) -> int:
        assert options.dynamodb_data is not None
        options.dynamodb_data.mkdir()
        return 0

    arguments = ["--data", f"{tmp_path}/file/data", "--run-directory", f"{tmp_path}/run"]
    monkeypatch.setattr(sys, "argv", ["up", *arguments])
    monkeypatch.setattr(os, "umask", lambda _: 0)
    monkeypatch.setattr(up, "serve", serve)
    with pytest.raises(SystemExit, match=f"{tmp_path}/file/data cannot be used: Not a directory"):
        up.main()


@pytest.mark.parametrize(
    ("language", "is_warned"), [("de-DE", True), ("ja-JP", True), ("es-US", False), ("", False)]
)
def test_a_language_that_the_simulator_does_not_know_is_named(
    language: str, monkeypatch: pytest.MonkeyPatch, *, is_warned: bool
) -> None:
    monkeypatch.setattr(up, "languages", lambda: {"en": None, "es": None})
    described = describe_persona(environment("front_desk", language), simulated=True)

    warning = f"; the simulator has no file for {language} and answers in English"
    assert described.endswith(warning) == is_warned


def environment(persona: str, language: str) -> dict[str, str]:
    return {"PERSONA": persona, "LANGUAGE": language, "GEMINI_LIVE_MODEL": "gemini-3.8-live"}


@pytest.mark.parametrize(
    ("url", "described"),
    [
        ("http://127.0.0.1:8709/v1/traces", "http://127.0.0.1:8709/traces"),
        ("http://127.0.0.1:4318/v1/traces", "sent to http://127.0.0.1:4318/v1/traces"),
        ("", "off"),
    ],
)
def test_the_developer_reads_where_the_traces_are(url: str, described: str) -> None:
    assert describe_traces({"TRACE_URL": url}, "http://127.0.0.1:8709") == described


def test_the_developer_reads_what_the_simulator_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe_hearing().startswith("the simulator hears English;")
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)
    assert describe_hearing().startswith("not heard, as moonshine-voice has no wheel")
