"""`make stop-calls` and `make allow-calls`."""

from typing import Any

import pytest

from ops import calls as command
from repartee.domain.errors import StoreUnavailable

pytestmark = pytest.mark.unit


class Switch:
    """A switch in memory."""

    def __init__(self) -> None:
        self.since: str | None = None
        self.failing = False

    def stopped_since(self) -> str | None:
        if self.failing:
            raise StoreUnavailable("throttled")
        return self.since

    def stop(self, at: str) -> None:
        self.since = at

    def allow(self) -> None:
        self.since = None


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Switch:
    made: Any = Switch()
    monkeypatch.setattr(command, "open_switch", lambda _options: made)
    found: Switch = made
    return found


def answering(text: str | None) -> Any:
    def ask(_prompt: str) -> str:
        if text is None:
            raise EOFError
        return text

    return ask


def test_calls_are_stopped_and_allowed_once_confirmed(
    switch: Switch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["stop"], answering("y")) == 0
    assert switch.since is not None
    assert command.main(["show"]) == 0
    assert f"Calls are stopped since {switch.since}." in capsys.readouterr().out

    assert command.main(["allow", "--yes"]) == 0
    assert switch.since is None


@pytest.mark.parametrize(
    ("options", "answer", "status"),
    [(["--dry-run"], None, 0), ([], "n", 1), ([], "", 1), ([], None, 2)],
)
def test_nothing_is_written_without_a_yes(
    switch: Switch, options: list[str], answer: str | None, status: int
) -> None:
    assert command.main(["stop", *options], answering(answer)) == status
    assert switch.since is None


def test_a_stop_that_holds_is_not_written_again(switch: Switch) -> None:
    switch.since = "2026-11-20T12:00:00Z"

    assert command.main(["stop"], answering(None)) == 0
    assert switch.since == "2026-11-20T12:00:00Z"


def test_a_table_that_fails_is_reported(switch: Switch, capsys: pytest.CaptureFixture[str]) -> None:
    switch.failing = True

    assert command.main(["stop", "--yes"]) == 2
    assert capsys.readouterr().err == "LiveTable could not be reached: throttled\n"
