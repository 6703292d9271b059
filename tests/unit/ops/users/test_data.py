"""Exporting and erasing a user who cannot sign in."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.users import data as command
from tests.unit.functions.http_api.harness import USER, HttpApiHarness
from tests.unit.ops.users.function_double import FunctionDouble, stack_of

pytestmark = pytest.mark.unit


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> FunctionDouble:
    api = HttpApiHarness()
    api.notes.add(USER, "likes mornings", noted_at_ms=0)
    api.call("POST", "/sessions")
    function = FunctionDouble(api)
    monkeypatch.setattr(command, "open_stack", lambda _environment: stack_of(function))

    async def no_wait(_s: float) -> None:
        pass

    monkeypatch.setattr("repartee_client.user_data.asyncio.sleep", no_wait)
    return function


def no_terminal(_prompt: str) -> str:
    raise EOFError


@pytest.mark.usefixtures("function")
def test_an_export_is_a_file_that_only_its_owner_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "export.json"
    export = ("export", "--user", USER, "--file", str(file))

    assert command.main(export) == 0

    assert file.stat().st_mode & 0o777 == 0o600
    (note,) = json.loads(file.read_text())["account"]["notes"]
    assert note["text"] == "likes mornings"
    assert command.main(export) == 2
    assert f"nothing was exported: {file} exists" in capsys.readouterr().err


def test_all_pages_are_in_the_file(
    function: FunctionDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(records: list[str], after: str | None) -> dict[str, Any]:
        body = {"tool_records": records, "conversations": [], "next_after": after}
        return {"statusCode": 200, "headers": {}, "body": json.dumps(body)}

    pages = [page(["a"], "x=/1"), page(["b"], "2"), page(["c"], None)]
    application = function._api.application
    monkeypatch.setattr(application, "handle", lambda *_: pages.pop(0))
    file = tmp_path / "export.json"

    assert command.main(("export", "--user", USER, "--file", str(file))) == 0

    assert json.loads(file.read_text())["tool_records"] == ["a", "b", "c"]
    assert function.requests == [
        "GET /me/export",
        "GET /me/export?after=x%3D%2F1",
        "GET /me/export?after=2",
    ]


def test_an_erasure_is_repeated_until_it_is_finished(
    function: FunctionDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    # The look at the conversations, and two requests whose time is over before they are done.
    function.remaining_ms = [29_000, 0, 0]

    assert command.main(("erase", "--user", USER, "--yes")) == 0

    assert function.requests == ["GET /conversations?limit=1", *["DELETE /me"] * 3]
    printed = capsys.readouterr().out
    assert printed.count("more is left to erase\n") == 2
    assert "Erased: " in printed
    assert "1 notes" in printed
    assert command.main(("erase", "--user", USER, "--yes")) == 0
    assert "erased before; this looks for remaining data" in capsys.readouterr().out


def test_an_erasure_that_does_not_end_is_given_up(
    function: FunctionDouble, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_ERASURE_TIMEOUT_S", 0.0)
    function.remaining_ms = [29_000, *[0] * 1_000]

    assert command.main(("erase", "--user", USER, "--yes")) == 2

    assert "the erasure is not finished: it takes longer than 0 min" in capsys.readouterr().err


def test_nothing_is_erased_without_a_yes(
    function: FunctionDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    erase = ("erase", "--user", "nobody")

    assert command.main(erase, lambda _prompt: "") == 1
    assert command.main(erase, no_terminal) == 2

    printed = capsys.readouterr()
    assert "nobody in the stack repartee-dev: no conversation is stored, so check the id" in (
        printed.out
    )
    assert "there is no terminal to confirm this on; use --yes" in printed.err
    assert set(function.requests) == {"GET /conversations?limit=1"}


@pytest.mark.parametrize(("user", "problem"), [("", "is empty"), ("a\nb", "holds a control")])
def test_an_id_that_no_user_has_is_refused(
    user: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(("erase", f"--user={user}"))

    assert f"the user's id {problem}" in capsys.readouterr().err


def test_a_failure_of_the_function_is_named(
    function: FunctionDouble, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    function.failure = {"errorType": "Runtime.ImportModuleError"}
    file = tmp_path / "export.json"

    assert command.main(("export", "--user", USER, "--file", str(file))) == 2

    assert "repartee-dev-http-api failed: Runtime.ImportModuleError" in capsys.readouterr().err
    assert not file.exists()
