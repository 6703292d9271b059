"""A run with an unexpected error is reported with its seed."""

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.__main__ import main
from tests.chaos.campaign import describe_result
from tests.chaos.plan.generator import plan_run
from tests.chaos.plan.run_plan import FaultKind
from tests.chaos.report import Verdict
from tests.chaos.run import play
from tests.chaos.run_result import RunResult

pytestmark = pytest.mark.unit


async def fail(_counts: object) -> None:
    raise OSError("no more processes")


def test_a_run_that_crashes_fails_and_names_the_command_that_repeats_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    lambdas = SimpleNamespace(prewarm=fail)
    context: Any = SimpleNamespace(
        stack=SimpleNamespace(lambdas=lambdas), use_persona=lambda **_: None
    )
    result = asyncio.run(play(context, plan_run(12)))
    assert list(result.broken) == ["crashed: OSError: no more processes"]
    assert "in fail" in capsys.readouterr().err
    lines = list(describe_result(result, tmp_path))
    assert lines[0].startswith("seed 12: FAILED")
    assert "    repeat: make chaos RUNS=1 SEED=12" in lines
    assert "    repeat: make chaos RUNS=1 SEED=12 MODEL=m" in describe_result(result, tmp_path, "m")


@pytest.mark.parametrize(
    ("broken", "wanted", "status"),
    [
        ((), FaultKind.WORKER_KILLED, 0),
        (("lost: this",), FaultKind.WORKER_KILLED, 1),
        ((), FaultKind.LINE_DROPPED, 1),
    ],
    ids=["all passed", "one broke a promise", "a kind was never injected"],
)
def test_the_exit_status_shows_whether_the_campaign_passed(
    broken: tuple[str, ...], wanted: FaultKind, status: int, monkeypatch: pytest.MonkeyPatch
):
    faults = Counter({FaultKind.WORKER_KILLED: 1})
    result = RunResult(12, broken, faults, frozenset(), (), 4, 0, 0, 9.0)

    class Held:
        verdict = Verdict([result], frozenset({wanted}))

        def __init__(self, *_arguments: object, **_options: object) -> None: ...

        async def run(self) -> None: ...

    monkeypatch.setattr("tests.chaos.__main__.Campaign", Held)
    monkeypatch.setattr("sys.argv", ["chaos"])
    assert main() == status


def test_a_run_that_passed_names_no_command(tmp_path: Path):
    plan = plan_run(12)
    held = RunResult(12, [], Counter(plan.kinds), frozenset(), (), 4, 0, 0, 9.0)
    assert [line for line in describe_result(held, tmp_path) if "repeat" in line] == []
