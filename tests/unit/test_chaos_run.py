"""A run that fails in a way that nobody foresaw is told with its seed, like any other."""

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local.chaos.campaign import told
from local.chaos.dealing import plan_run
from local.chaos.run import RunResult, play

pytestmark = pytest.mark.unit


async def fail(_counts: object) -> None:
    raise OSError("no more processes")


def test_a_run_that_crashes_breaks_a_promise_and_names_the_seed_that_replays_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    theatre: Any = SimpleNamespace(stack=SimpleNamespace(lambdas=SimpleNamespace(prewarm=fail)))
    result = asyncio.run(play(theatre, plan_run(12)))
    assert list(result.broken) == ["crashed: OSError: no more processes"]
    assert "in fail" in capsys.readouterr().err
    lines = list(told(result, tmp_path))
    assert lines[0].startswith("seed 12: BROKEN")
    assert "    replay: make chaos RUNS=1 SEED=12" in lines


def test_a_run_that_held_has_nothing_to_replay(tmp_path: Path):
    plan = plan_run(12)
    held = RunResult(12, [], Counter(plan.kinds), frozenset(), (), 4, 0, 0, 9.0)
    assert [line for line in told(held, tmp_path) if "replay" in line] == []
