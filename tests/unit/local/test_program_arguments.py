"""The local programs name an unusable argument and its remedy."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local import as_user, replay
from repartee_client.access import HttpApiClient
from repartee_client.errors import VoiceClientError
from tests.chaos import __main__ as chaos

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("main", "arguments", "complaint"),
    [
        (chaos.main, ["--runs", "0"], "argument --runs: '0' is less than 1"),
        (chaos.main, ["--runs", "1.5"], "argument --runs: '1.5' is not a whole number"),
        (chaos.main, ["--seed", "x"], "argument --seed: 'x' is not a whole number"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_and_ends_with_status_2(
    main: Callable[[], int],
    arguments: list[str],
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["program", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_port_base_that_cannot_be_used_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        as_user.main(["ada", "usage"], {"REPARTEE_PORT_BASE": "80"})
    assert "REPARTEE_PORT_BASE is '80': use a number from 1024" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_an_unrecorded_session_gets_advice_on_how_to_record(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay.main([str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / name) in said
    assert "make up RECORD=events" in said


def test_an_address_without_its_beginning_is_named() -> None:
    with pytest.raises(VoiceClientError, match="invalid URL localhost/sessions"):
        asyncio.run(HttpApiClient("localhost", "token").start_session())
