"""docs/assumptions.md agrees with the checks that it names."""

import base64
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops.finding import Verdict, compared, noted
from ops.smoke.__main__ import main, parse_arguments
from ops.smoke.checks import functions, tokens
from ops.smoke.checks.gateway import out_of_order
from ops.smoke.checks.tables import reason_of
from ops.smoke.suite import EXPLANATIONS, report
from tests.documents import blocks, page, rows, without_blocks

pytestmark = pytest.mark.unit

ASSUMPTIONS = page("docs/assumptions.md")
CHECKS = ("gateway", "tokens", "signin", "functions", "tables", "all", *EXPLANATIONS)


def commands() -> list[str]:
    return re.findall(r"python -m ops\.smoke ([^`\n]+)", ASSUMPTIONS)


def token(claims: dict[str, object]) -> str:
    parts = ({"alg": "RS256"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join([*(text.rstrip("=") for text in texts), "c2lnbmF0dXJl"])


def test_every_check_is_called_by_the_page_with_arguments_that_it_takes() -> None:
    called = [parse_arguments(shlex.split(command)).check for command in commands()]
    assert set(called) == set(CHECKS)


def test_the_help_lists_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_arguments(["--help"])
    assert set(re.findall(r"^    (\w+) +\S", capsys.readouterr().out, re.MULTILINE)) == set(CHECKS)


def test_every_assumption_names_how_to_test_it() -> None:
    table = rows(without_blocks(ASSUMPTIONS))
    assert len(table) >= 25
    known = {f"`{check}`" for check in CHECKS}
    steps = set(re.findall(r"^### (\w+)\. ", ASSUMPTIONS, re.MULTILINE))
    assert steps
    for row in table:
        assert len(row) == 3
        named = set(re.findall(r"`\w+`", row[2])) & known
        by_hand = set(re.findall(r"step (\w+)", row[2]))
        assert named or by_hand, row
        assert by_hand <= steps, row


def test_every_step_by_hand_has_commands() -> None:
    found = re.findall(r"^### \w+\. .*\n(?:(?!^#).*\n)*", ASSUMPTIONS, re.MULTILINE)
    assert found
    assert all(blocks(step, "sh") for step in found)


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_explains_itself(check: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments([check, "--help"])
    assert ended.value.code == 0
    assert "usage: python -m ops.smoke" in capsys.readouterr().out


@pytest.mark.parametrize("check", [[], *([name] for name in ("all", *EXPLANATIONS))])
def test_gemini_is_not_asked_without_a_key(
    check: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setattr("sys.argv", ["smoke"])
    assert main(check) == 2
    assert "set GEMINI_API_KEY" in capsys.readouterr().err


def test_what_cannot_be_checked_is_said_and_is_no_success(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["tokens", "--http-api", "https://api.invalid", "--token", "no-token"]) == 2
    assert "could not be made" in capsys.readouterr().err


def test_a_recording_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "no-key")
    wav = tmp_path / "wish.wav"
    assert main(["gemini", "--wav", str(wav)]) == 2
    assert f"No such file or directory: '{wav}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "check",
    [["functions", "--stack", "x"], ["tables", "--live-table", "x", "--memory-table", "x"]],
)
def test_a_missing_region_is_named(
    check: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert main(check) == 2
    assert "region" in capsys.readouterr().err


def test_an_assumption_that_does_not_hold_fails_the_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good, number = compared("a", 1, 1), noted("b", "3")
    assert report([good, number]) == 0
    assert report([good, compared("c", 2, 1), number]) == 1
    assert "FAILS  c: 2, not 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("numbers", "early"), [([], 0), ([1, 2, 3], 0), ([1, 3, 2, 4], 1), ([3, 1, 2], 1), ([2, 2], 0)]
)
def test_frames_that_overtake_others_are_counted(numbers: list[int], early: int) -> None:
    assert out_of_order(numbers) == early


@pytest.mark.parametrize(
    ("claims", "audience"),
    [
        ({"sub": "u", "aud": "web"}, "aud=web"),
        ({"sub": "u", "client_id": "web"}, "client_id=web"),
        ({"sub": "u"}, "none"),
    ],
)
def test_the_claim_that_names_the_audience_is_found(
    claims: dict[str, object], audience: str
) -> None:
    assert tokens.audience_of(tokens.claims_of(token(claims))) == audience


def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(ValueError, match="three parts"):
        tokens.claims_of("no-token")


def test_a_transaction_fails_for_its_first_reason_or_its_own() -> None:
    reasons: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
    }
    assert reason_of(ClientError(reasons, "TransactWriteItems")) == "TransactionConflict"
    throttled: Any = {"Error": {"Code": "ThrottlingException"}}
    assert reason_of(ClientError(throttled, "TransactWriteItems")) == "ThrottlingException"


class FakeLambda:
    """Answers like Lambda about a stack; ``retries`` is the configured number."""

    def __init__(self, retries: int) -> None:
        self._retries = retries

    def get_function_event_invoke_config(self, **_: str) -> dict[str, Any]:
        return {
            "MaximumRetryAttempts": self._retries,
            "MaximumEventAgeInSeconds": 60,
            "DestinationConfig": {"OnFailure": {"Destination": "arn"}},
        }

    def get_function_concurrency(self, **_: str) -> dict[str, Any]:
        return {"ReservedConcurrentExecutions": 5}

    def get_function_recursion_config(self, **_: str) -> dict[str, Any]:
        return {"RecursiveLoop": "Allow"}

    def get_function_configuration(self, **_: str) -> dict[str, Any]:
        return {"LoggingConfig": {"ApplicationLogLevel": "INFO", "SystemLogLevel": "WARN"}}


def test_a_stack_that_retries_workers_is_found_out() -> None:
    def failing(retries: int) -> list[str]:
        client: Any = FakeLambda(retries)
        found = functions.findings(client, "repartee-dev")
        return [finding.subject for finding in found if finding.verdict is Verdict.WRONG]

    assert failing(0) == []
    assert failing(2) == [
        "Lambda does not retry the stream agent",
        "Lambda does not retry summaries",
    ]
